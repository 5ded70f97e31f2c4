import { describe, expect, it } from 'vitest';
import { WORDS as saved } from '../filters/SavedFilters.tsx';
import { WORDS as manage } from '../manage/context.ts';
import { de } from './catalogue.de.ts';
import { type Catalogue, en, type Key, type Message } from './catalogue.en.ts';
import { ja } from './catalogue.ja.ts';
import { pseudo } from './catalogue.pseudo.ts';
import { loadWords, type WordFiles } from './part.ts';
import { WORDS as below } from './parts/below.ts';
import { createTranslate, pickLocale } from './translate.ts';

const forms = (message: Message): string[] =>
  typeof message === 'string' ? [message] : Object.values(message);
const holes = (message: Message): string[] =>
  [...new Set(forms(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();
const keys = Object.keys(en) as Key[];

/** Parts that are fetched later, each with words of its own. */
const PARTS: [string, WordFiles<string>][] = [
  ['below', below],
  ['saved', saved],
  ['manage', manage],
];

describe.each(PARTS)('the words of %s', (_, files) => {
  it.each(['ja', 'de'] as const)('are whole in %s', async (locale) => {
    const words = await files[locale]();
    expect(Object.keys(words).sort()).toEqual(Object.keys(files.en).sort());
    const categories = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    for (const [key, message] of Object.entries(words)) {
      const english = files.en[key] ?? '';
      for (const text of forms(message)) expect(text, key).not.toBe('');
      expect(holes(message), key).toEqual(holes(english));
      if (typeof message !== 'string')
        for (const form of categories) expect(Object.keys(message), key).toContain(form);
    }
  });
  it('can be told from what is not translated', async () => {
    const [key = ''] = Object.keys(files.en);
    expect((await loadWords(files, 'qps'))(key)).toMatch(/^\[.*·+\]$/);
  });
});

describe.each([
  ['ja', ja],
  ['de', de],
  ['pseudo', pseudo],
] as [string, Catalogue][])('%s', (locale, catalogue) => {
  it('has every message, none besides, and none empty', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
    for (const key of keys) for (const text of forms(catalogue[key])) expect(text, key).not.toBe('');
  });
  it('fills in the same things as English', () => {
    for (const key of keys) expect(holes(catalogue[key]), key).toEqual(holes(en[key]));
  });
  it('has each plural form its language asks for', () => {
    const rules = new Intl.PluralRules(locale === 'pseudo' ? 'en' : locale).resolvedOptions()
      .pluralCategories;
    for (const key of keys) {
      const message = catalogue[key];
      if (typeof message !== 'string')
        for (const form of rules) expect(Object.keys(message), key).toContain(form);
    }
  });
});

it('plurals follow the language', () => {
  const english = createTranslate(en, 'en');
  expect(english('live.now', { n: 1 })).toBe('1 visitor now');
  expect(english('live.now', { n: 1204 })).toBe('1,204 visitors now');
  expect(createTranslate(ja, 'ja')('live.now', { n: 3 })).toBe('現在 3 人');
});

it('what is filled in is never read as a message', () => {
  expect(createTranslate(en, 'en')('filter.byRow', { name: '{n} $& <b>' })).toBe('Show only {n} $& <b>');
});

it('a reader gets the first language both know', () => {
  expect(pickLocale(['fr-CA', 'ja-JP', 'en'])).toBe('ja');
  expect(pickLocale(['de-AT'])).toBe('de');
  expect(pickLocale(['xx'])).toBe('en');
});
