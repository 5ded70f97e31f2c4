import { funnels } from '../i18n/parts/funnels.ts';
import { createTexts } from '../ui/part.tsx';

export const { Texts: FunnelTexts, useTexts } = createTexts(funnels);
