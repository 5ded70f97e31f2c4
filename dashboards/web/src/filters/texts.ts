import { filters } from '../i18n/parts/filters.ts';
import { createTexts } from '../ui/part.tsx';

export const { Texts: FilterTexts, useTexts } = createTexts(filters);
