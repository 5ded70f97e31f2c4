/** Where the texts of what people manage are. */
import type { Part } from '../part.ts';
import { en, type Key } from './manage.en.ts';

export const manage: Part<Key> = {
  en,
  ja: async () => (await import('./manage.ja.ts')).ja,
  de: async () => (await import('./manage.de.ts')).de,
};
