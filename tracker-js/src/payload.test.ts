import { describe, expect, it } from 'vitest';
import { readOptions } from './config';
import { createCleaner } from './payload';
import type { Config } from './types';

const clean = (href: string, config: Config = {}) =>
  createCleaner(readOptions(undefined, config), 'https://example.com/shop/page?token=SECRET')(href);

describe('addresses', () => {
  it.each([
    ['https://example.com/a?token=SECRET', 'https://example.com/a'],
    ['https://example.com/a?utm_source=x&token=SECRET&ref=y', 'https://example.com/a?utm_source=x&ref=y'],
    ['https://example.com/a?UTM_SOURCE=x', 'https://example.com/a'],
    ['https://example.com/a?utm_source_platform=x&myref=y', 'https://example.com/a'],
    ['https://example.com/a?email=a@b.example&email=c@d.example', 'https://example.com/a'],
    ['https://example.com/a#access_token=SECRET', 'https://example.com/a'],
    ['https://user:SECRET@example.com/a', 'https://example.com/a'],
    ['https://example.com:8443/a', 'https://example.com:8443/a'],
    ['https://例え.example/あ', 'https://xn--r8jz45g.example/%E3%81%82'],
    ['', 'https://example.com/shop/page'],
    ['/b', 'https://example.com/b'],
    ['c', 'https://example.com/shop/c'],
  ])('%s leaves as %s', (href, expected) => expect(clean(href)).toBe(expected));

  it('keeps the query parameters the site allows, and no others', () => {
    expect(clean('/a?page=2&tab=b&pages=3&source=mail', { allowQuery: 'page|tab' })).toBe(
      'https://example.com/a?page=2&tab=b&source=mail',
    );
  });

  it('keeps no parameter named undefined if the site allows none', () => {
    expect(clean('/a?undefined=SECRET&ref=x')).toBe('https://example.com/a?ref=x');
  });

  it.each([
    ['/a#/inbox/3', 'https://example.com/a#/inbox/3'],
    ['/a#/inbox?token=SECRET', 'https://example.com/a#/inbox'],
    ['/a#access_token=SECRET&state=1', 'https://example.com/a#access_token'],
    ['/a', 'https://example.com/a'],
  ])('in hash mode %s leaves as %s', (href, expected) => expect(clean(href, { hash: true })).toBe(expected));

  it.each([
    ['data:text/csv,SECRET'],
    ['blob:https://example.com/9115d58c-bcda-ff47-86e5-083e9a215304'],
    ['mailto:a@b.example'],
    ['tel://+4912345'],
    ['file:///home/erika/a.pdf'],
    ['ftp://example.com/a'],
  ])('throws at %s, which is not a web address', (href) => expect(() => clean(href)).toThrow());

  it('throws at an invalid address', () => expect(() => clean('http://')).toThrow());
});
