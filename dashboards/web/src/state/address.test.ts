import { describe, expect, it } from 'vitest';
import { DEFAULT_VIEW, parseAddress, type View, writeAddress } from './address.ts';
import { FILTERS_MAX, toggleValue } from './filter.ts';

const there = (view: View) => parseAddress(writeAddress(view));

describe('the address', () => {
  it('is empty for the default view', () => {
    expect(writeAddress(DEFAULT_VIEW)).toBe('');
    expect(parseAddress('')).toEqual({ view: DEFAULT_VIEW, ignored: [] });
  });

  it('holds every part of a view', () => {
    const view: View = {
      site: 'example.com',
      period: 'custom',
      custom: { from: '2026-10-01', to: '2026-10-20' },
      compare: 'custom',
      compareCustom: { from: '2026-09-01', to: '2026-09-20' },
      matchWeekday: false,
      metric: 'bounce_rate',
      interval: 'week',
      chartAs: 'table',
      filters: [
        { dimension: 'source', op: 'is', values: ['Google', 'Bing'] },
        { dimension: 'page', op: 'contains_not', values: ['/blog/'] },
      ],
      tabs: { sources: 'utm_campaign', pages: 'exit_page', countries: 'map' },
      detail: { tab: 'utm_campaign', search: 'spring & co', sort: 'visits', direction: 'asc', page: 3 },
      clicks: '/blog/ä',
      funnel: {
        order: 'loose',
        by: null,
        steps: [
          { kind: 'page', value: '/' },
          { kind: 'goal', value: 'Order' },
        ],
      },
      manage: 'goals',
      lang: 'ja',
    };
    expect(there(view)).toEqual({ view, ignored: [] });
  });

  it('holds any value of a filter', () => {
    const values = ['a~b', '100%', '%7E', 'x&f=y', '日本', '"><script>', '', ' ', '=1+1', 'a,b', '#?/'];
    const view: View = { ...DEFAULT_VIEW, filters: [{ dimension: 'page', op: 'is', values }] };
    expect(there(view).view.filters[0]?.values).toEqual(values);
  });

  it('ignores and names invalid parameters', () => {
    const { view, ignored } = parseAddress(
      '?period=fortnight&metric=visits&utm_source=mail&f=shoe~is~red&sort=x&p=-1&detail=secret&interval=eon',
    );
    expect(ignored).toEqual(['period', 'utm_source', 'f', 'p', 'detail', 'interval']);
    expect(view).toEqual({ ...DEFAULT_VIEW, metric: 'visits' });
  });

  it('rejects days that do not exist', () => {
    expect(parseAddress('?from=2026-02-30&to=2026-03-02').ignored).toEqual(['from', 'to']);
    expect(parseAddress('?period=custom').view.period).toBe('28d');
  });

  it('limits the number of filters', () => {
    const many = Array.from({ length: FILTERS_MAX + 1 }, (_, i) => `f=page~is~${i}`).join('&');
    const read = parseAddress(`?${many}`);
    expect(read.view.filters).toHaveLength(FILTERS_MAX);
    expect(read.ignored).toEqual(['f']);
  });

  it('accepts filters by goals, but not negated ones', () => {
    const read = parseAddress('?f=goal~is~Paid&f=goal~is_not~Paid&f=goal~contains_not~Paid');
    expect(read.view.filters).toEqual([{ dimension: 'goal', op: 'is', values: ['Paid'] }]);
    expect(read.ignored).toEqual(['f']);
  });

  it('never throws', () => {
    for (const text of [
      '?%',
      '?f=~~~',
      '?f',
      '?&&=',
      '?sort=.',
      '?p=1e99',
      '?site=',
      '?from=&to=',
      '?detail=map',
    ]) {
      expect(() => parseAddress(text)).not.toThrow();
    }
  });
});

describe('a click on a row', () => {
  it('sets or replaces the filter; a second click removes it', () => {
    const google = toggleValue([], 'source', 'Google');
    expect(google).toEqual([{ dimension: 'source', op: 'is', values: ['Google'] }]);
    const bing = toggleValue(google, 'source', 'Bing');
    expect(bing).toEqual([{ dimension: 'source', op: 'is', values: ['Bing'] }]);
    expect(toggleValue(bing, 'source', 'Bing')).toEqual([]);
  });

  it('does not change filters of other kinds', () => {
    const blog = [{ dimension: 'page' as const, op: 'contains' as const, values: ['/blog'] }];
    expect(toggleValue(blog, 'page', '/a')).toHaveLength(2);
    expect(toggleValue(blog, 'country', 'JP')).toHaveLength(2);
  });
});
