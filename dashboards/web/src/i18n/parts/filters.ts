/** Where the texts of the saved filters are. */
import type { Part } from '../part.ts';
import { en, type Key } from './filters.en.ts';

export const filters: Part<Key> = {
  en,
  ja: async () => (await import('./filters.ja.ts')).ja,
  de: async () => (await import('./filters.de.ts')).de,
};
