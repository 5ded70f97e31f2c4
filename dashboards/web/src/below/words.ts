import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { TranslateOf } from '../i18n/translate.ts';
import type { WordFiles } from '../i18n/words.ts';
import { en, type Key } from './words.en.ts';

/** Where the words of what stands below the lists are. */
export const WORDS: WordFiles<Key> = {
  en,
  ja: async () => (await import('./words.ja.ts')).ja,
  de: async () => (await import('./words.de.ts')).de,
};

export const WordsContext = createContext<TranslateOf<Key> | null>(null);

export function useWords(): TranslateOf<Key> {
  const words = useContext(WordsContext);
  if (!words) throw new Error('useWords outside of WordsContext');
  return words;
}
