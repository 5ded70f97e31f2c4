import { describe, expect, it } from 'vitest';
import { en } from '../i18n/catalogue.en.ts';
import { ja } from '../i18n/catalogue.ja.ts';
import { createTranslate } from '../i18n/translate.ts';
import { createFormat } from './format.ts';

const english = createFormat('en-GB', createTranslate(en, 'en'));
const japanese = createFormat('ja', createTranslate(ja, 'ja'));
const german = createFormat('de', createTranslate(en, 'de'));

describe('numbers', () => {
  it('are abbreviated from ten million on', () => {
    expect(english.metric('visitors', 9_999_999)).toBe('9,999,999');
    expect(english.metric('visitors', 12_400_000)).toMatch(/^12.4m$/i);
    expect(german.metric('visitors', 7891)).toBe('7.891');
  });
  it('rates are percentages, times are durations', () => {
    expect(english.metric('bounce_rate', 41)).toBe('41%');
    expect(english.metric('group_conversion_rate', 12.34)).toBe('12.3%');
    expect(english.money(1234.5, 'EUR')).toBe('€1,234.50');
    expect(german.money(2000, 'JPY')).toMatch(/^2\.000\s¥$/);
    expect(english.money(5, null)).toBe('–');
    expect(english.metric('visit_duration', 102)).toBe('1m 42s');
    expect(english.metric('visit_duration', 59.6)).toBe('1m');
    expect(english.metric('visit_duration', 3700)).toBe('1h 1m');
    expect(english.metric('views_per_visit', 2.456)).toBe('2.5');
  });
  it('a missing number is a dash, never a zero', () => {
    expect(english.metric('visitors', null)).toBe('–');
    expect(english.metric('visitors', undefined)).toBe('–');
    expect(english.metric('visitors', 0)).toBe('0');
  });
});

describe('names', () => {
  it('countries are named in the reader’s language', () => {
    expect(english.name('country', 'JP')).toBe('Japan');
    expect(japanese.name('country', 'DE')).toBe('ドイツ');
    expect(english.name('country', '')).toBe('Unknown');
    expect(english.name('country', '<b>')).toBe('Unknown');
  });
  it('missing values are worded, all others stay unchanged', () => {
    expect(english.name('source', '')).toBe('Direct or unknown');
    expect(english.name('source', 'Direct / None')).toBe('Direct or unknown');
    expect(english.name('page', '<script>')).toBe('<script>');
    expect(english.name('utm_campaign', '')).toBe('(none)');
  });
});

describe('dates', () => {
  it('are those of the site, whatever the local time zone', () => {
    expect(english.bucket('2026-11-23', 'day')).toBe('Mon, 23 Nov 2026');
    expect(english.bucket('2026-11-01', 'month')).toBe('November 2026');
    expect(english.bucket('2026-11-16', 'week')).toMatch(/16.+22 Nov 2026/);
    expect(japanese.range({ from: '2026-11-01', to: '2026-11-23' })).toMatch(/2026.11.0?1.+11.23/);
  });
});
