import { describe, expect, it } from 'vitest';
import { de } from './catalogue.de.ts';
import { type Catalogue, en, type Key, type Message } from './catalogue.en.ts';
import { ja } from './catalogue.ja.ts';
import { pseudo } from './catalogue.pseudo.ts';
import { loadPart, type Part } from './part.ts';
import { changes } from './parts/changes.ts';
import { clicks } from './parts/clicks.ts';
import { filters } from './parts/filters.ts';
import { funnels } from './parts/funnels.ts';
import { manage } from './parts/manage.ts';
import { createTranslate, pickLocale } from './translate.ts';

const forms = (message: Message): string[] =>
  typeof message === 'string' ? [message] : Object.values(message);
const parameters = (message: Message): string[] =>
  [...new Set(forms(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();
const keys = Object.keys(en) as Key[];

/** Parts that are fetched later, each with texts of its own. */
const PARTS: [string, Part<string>][] = [
  ['clicks', clicks],
  ['funnels', funnels],
  ['changes', changes],
  ['filters', filters],
  ['manage', manage],
];

describe.each(PARTS)('the texts of %s', (_, part) => {
  it.each(['ja', 'de'] as const)('are complete in %s', async (locale) => {
    const texts = await part[locale]();
    expect(Object.keys(texts).sort()).toEqual(Object.keys(part.en).sort());
    const categories = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    for (const [key, message] of Object.entries(texts)) {
      const english = part.en[key] ?? '';
      for (const text of forms(message)) expect(text, key).not.toBe('');
      expect(parameters(message), key).toEqual(parameters(english));
      if (typeof message !== 'string')
        for (const form of categories) expect(Object.keys(message), key).toContain(form);
    }
  });
  it('are recognisable in the pseudo-language', async () => {
    const [key = ''] = Object.keys(part.en);
    expect((await loadPart(part, 'qps'))(key)).toMatch(/^\[.*·+\]$/);
  });
});

describe.each([
  ['ja', ja],
  ['de', de],
  ['pseudo', pseudo],
] as [string, Catalogue][])('%s', (locale, catalogue) => {
  it('has every message and no other, none empty', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
    for (const key of keys) for (const text of forms(catalogue[key])) expect(text, key).not.toBe('');
  });
  it('has the same parameters as English', () => {
    for (const key of keys) expect(parameters(catalogue[key]), key).toEqual(parameters(en[key]));
  });
  it('has every plural form of its language', () => {
    const rules = new Intl.PluralRules(locale === 'pseudo' ? 'en' : locale).resolvedOptions()
      .pluralCategories;
    for (const key of keys) {
      const message = catalogue[key];
      if (typeof message !== 'string')
        for (const form of rules) expect(Object.keys(message), key).toContain(form);
    }
  });
});

it('plural forms follow the language', () => {
  const english = createTranslate(en, 'en');
  expect(english('live.now', { n: 1 })).toBe('1 visitor now');
  expect(english('live.now', { n: 1204 })).toBe('1,204 visitors now');
  expect(createTranslate(ja, 'ja')('live.now', { n: 3 })).toBe('現在 3 人');
});

it('a parameter is never read as a message', () => {
  expect(createTranslate(en, 'en')('filter.byRow', { name: '{n} $& <b>' })).toBe('Show only {n} $& <b>');
});

it('the first language that is translated is used', () => {
  expect(pickLocale(['fr-CA', 'ja-JP', 'en'])).toBe('ja');
  expect(pickLocale(['de-AT'])).toBe('de');
  expect(pickLocale(['xx'])).toBe('en');
});
