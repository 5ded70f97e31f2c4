import { changes } from '../i18n/parts/changes.ts';
import { createTexts } from '../ui/part.tsx';

export const { Texts: ChangeTexts, useTexts } = createTexts(changes);
