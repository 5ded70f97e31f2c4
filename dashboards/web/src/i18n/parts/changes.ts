/** Where the texts of what is behind a change are. */
import type { Part } from '../part.ts';
import { en, type Key } from './changes.en.ts';

export const changes: Part<Key> = {
  en,
  ja: async () => (await import('./changes.ja.ts')).ja,
  de: async () => (await import('./changes.de.ts')).de,
};
