/** Where the texts of the click map are. */
import type { Part } from '../part.ts';
import { en, type Key } from './clicks.en.ts';

export const clicks: Part<Key> = {
  en,
  ja: async () => (await import('./clicks.ja.ts')).ja,
  de: async () => (await import('./clicks.de.ts')).de,
};
