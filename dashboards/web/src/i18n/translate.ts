/** Translates: picks a message and its plural form, and fills in the parameters. */
import { type Catalogue, en, type Key, type Message } from './catalogue.en.ts';

export const LOCALES = ['en', 'ja', 'de'] as const;
export type Locale = (typeof LOCALES)[number];
export type TranslateOf<K extends string> = (key: K, params?: Record<string, string | number>) => string;
export type Translate = TranslateOf<Key>;

/** Each language names itself. */
export const LOCALE_NAMES: Record<Locale, string> = { en: 'English', ja: '日本語', de: 'Deutsch' };

export function createTranslate<K extends string>(
  catalogue: Record<K, Message>,
  locale: string,
): TranslateOf<K> {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  return (key, params = {}) => {
    const message: Message = catalogue[key];
    const count = Number(params['n'] ?? 0);
    const text =
      typeof message === 'string' ? message : (message[plural.select(count)] ?? message.other ?? '');
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = params[name];
      return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value;
    });
  };
}

/**
 * Pseudo-languages for tests: `qps` shows untranslated texts and boxes that are too small, `qpsr`
 * does the same from right to left.
 */
export type Pseudo = 'qps' | 'qpsr';
export const isPseudo = (tag: string): tag is Pseudo => tag === 'qps' || tag === 'qpsr';

/** The first of `wanted` that the page is translated into, else English. */
export function pickLocale(wanted: readonly string[]): Locale | Pseudo {
  for (const tag of wanted) {
    if (isPseudo(tag)) return tag;
    const base = tag.toLowerCase().split('-')[0];
    const found = LOCALES.find((locale) => locale === base);
    if (found) return found;
  }
  return 'en';
}

export async function loadCatalogue(locale: Locale | Pseudo): Promise<Catalogue> {
  switch (locale) {
    case 'ja':
      return (await import('./catalogue.ja.ts')).ja;
    case 'de':
      return (await import('./catalogue.de.ts')).de;
    case 'qps':
    case 'qpsr':
      return (await import('./catalogue.pseudo.ts')).pseudo;
    case 'en':
      return en;
  }
}
