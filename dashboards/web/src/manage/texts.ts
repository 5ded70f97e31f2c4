import { manage } from '../i18n/parts/manage.ts';
import { createTexts } from '../ui/part.tsx';

export const { Texts: ManageTexts, useTexts } = createTexts(manage);
