/** The words of a part that is fetched when it is needed: a small catalogue of its own, beside the page's. */
import type { Message } from './catalogue.en.ts';
import { pseudoMessage } from './pseudo.ts';
import { createTranslate, isPseudo, type Locale, type Pseudo, type TranslateOf } from './translate.ts';

export type Words<K extends string> = Record<K, Message>;

/** Where the words of a part are; English comes with it and is what the others are measured by. */
export type WordFiles<K extends string> = {
  en: Words<K>;
  ja: () => Promise<Words<K>>;
  de: () => Promise<Words<K>>;
};

export async function loadWords<K extends string>(
  files: WordFiles<K>,
  locale: Locale | Pseudo,
): Promise<TranslateOf<K>> {
  if (isPseudo(locale)) {
    const pairs = (Object.entries(files.en) as [K, Message][]).map(([key, text]) => [
      key,
      pseudoMessage(text),
    ]);
    return createTranslate(Object.fromEntries(pairs) as Words<K>, 'en');
  }
  const words = locale === 'en' ? files.en : await files[locale]();
  return createTranslate(words, locale);
}
