/** The words of a lazily fetched part in the reader's language, once they are there; those before stay until then. */
import { useEffect, useState } from 'preact/hooks';
import { loadWords, type WordFiles } from '../i18n/part.ts';
import type { TranslateOf } from '../i18n/translate.ts';
import { useApp } from './context.ts';

export function useLoadedWords<K extends string>(files: WordFiles<K>): TranslateOf<K> | null {
  const { locale } = useApp();
  const [words, setWords] = useState<{ t: TranslateOf<K> } | null>(null);
  useEffect(() => {
    let isWanted = true;
    const set = (t: TranslateOf<K>) => {
      if (isWanted) setWords({ t });
    };
    // A language that can't be fetched is no reason to show nothing.
    loadWords(files, locale).then(set, () => loadWords(files, 'en').then(set));
    return () => {
      isWanted = false;
    };
  }, [files, locale]);
  return words?.t ?? null;
}
