/**
 * Texts of a part of the page that is fetched when it is needed. Each part has a small catalogue of
 * its own under `parts/`, beside the page's catalogue, and all of them are loaded here.
 */
import type { Message } from './catalogue.en.ts';
import { pseudoMessage } from './pseudo.ts';
import { createTranslate, isPseudo, type Locale, type Pseudo, type TranslateOf } from './translate.ts';

export type PartTexts<K extends string> = Record<K, Message>;

/** The texts of one part. English comes with the part; the other languages are fetched. */
export type Part<K extends string> = {
  en: PartTexts<K>;
  ja: () => Promise<PartTexts<K>>;
  de: () => Promise<PartTexts<K>>;
};

export async function loadPart<K extends string>(
  part: Part<K>,
  locale: Locale | Pseudo,
): Promise<TranslateOf<K>> {
  if (isPseudo(locale)) {
    const messages = Object.entries<Message>(part.en).map(([key, text]) => [key, pseudoMessage(text)]);
    return createTranslate(Object.fromEntries(messages) as PartTexts<K>, 'en');
  }
  return createTranslate(locale === 'en' ? part.en : await part[locale](), locale);
}
