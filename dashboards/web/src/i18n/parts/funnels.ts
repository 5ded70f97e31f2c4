/** Where the texts of the funnel are. */
import type { Part } from '../part.ts';
import { en, type Key } from './funnels.en.ts';

export const funnels: Part<Key> = {
  en,
  ja: async () => (await import('./funnels.ja.ts')).ja,
  de: async () => (await import('./funnels.de.ts')).de,
};
