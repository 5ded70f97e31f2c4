import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { WordFiles } from '../part.ts';
import type { TranslateOf } from '../translate.ts';
import { en, type Key } from './below.en.ts';

/** Where the words of what stands below the lists are. */
export const WORDS: WordFiles<Key> = {
  en,
  ja: async () => (await import('./below.ja.ts')).ja,
  de: async () => (await import('./below.de.ts')).de,
};

export const WordsContext = createContext<TranslateOf<Key> | null>(null);

export function useWords(): TranslateOf<Key> {
  const words = useContext(WordsContext);
  if (!words) throw new Error('useWords outside of WordsContext');
  return words;
}
