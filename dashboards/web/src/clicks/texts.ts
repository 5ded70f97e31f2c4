import { clicks } from '../i18n/parts/clicks.ts';
import { createTexts } from '../ui/part.tsx';

export const { Texts: ClickTexts, useTexts } = createTexts(clicks);
