import { describe, expect, it } from 'vitest';
import { BATCH_QUERIES_MAX } from '../api/client.ts';
import type { Goal } from '../api/types.ts';
import { DEFAULT_VIEW, PANEL_TABS, type View } from '../state/address.ts';
import { daysOf, type Plan, planBoard, planDetail } from './plan.ts';

const CLOCK = { date: '2026-11-23', hour: 14, minute: 37 };
const GOALS: Goal[] = [
  { name: 'Signup', currency: null },
  { name: 'Order', currency: 'JPY' },
];
const board = (patch: Partial<View> = {}, goals: readonly Goal[] = []): Plan => {
  const view = { ...DEFAULT_VIEW, ...patch };
  return planBoard({ view, site: 'example.com', timezone: 'Asia/Tokyo', days: daysOf(view, CLOCK), goals });
};
const find = (plan: Plan, slot: string) => plan.find((p) => p.slot === slot)?.query;

describe('the queries of a view', () => {
  it('the default period includes today', () => {
    expect(find(board(), 'totals')?.date_range).toEqual(['2026-10-27', '2026-11-23']);
  });

  it('totals of the earlier period are asked for if compared', () => {
    expect(find(board(), 'totals-before')?.date_range).toEqual(['2026-09-29', '2026-10-26']);
    const alone = board({ compare: 'off' });
    expect(alone.filter((p) => p.slot.includes('before'))).toEqual([]);
  });

  it('today is compared with the same hours of the earlier day', () => {
    const plan = board({ period: 'today' });
    const hours = ['2026-11-16T00:00:00+09:00', '2026-11-16T14:30:00+09:00'];
    expect(find(plan, 'totals-before')?.date_range).toEqual(hours);
    expect(find(plan, 'before-source')?.date_range).toEqual(hours);
    expect(find(plan, 'series-before')?.date_range).toEqual(['2026-11-16', '2026-11-16']);
  });

  it('a week that ends today is cut as well, four weeks are not', () => {
    const week = board({ period: '7d' });
    const cut = ['2026-11-10T00:00:00+09:00', '2026-11-16T14:30:00+09:00'];
    expect(find(week, 'totals-before')?.date_range).toEqual(cut);
    expect(find(week, 'before-country')?.date_range).toEqual(cut);
    expect(find(week, 'series-before')?.date_range).toEqual(['2026-11-10', '2026-11-16']);
    expect(find(board({ period: '28d' }), 'totals-before')?.date_range).toEqual(['2026-09-29', '2026-10-26']);
    const over = board({ period: 'custom', custom: { from: '2026-11-16', to: '2026-11-22' } });
    expect(find(over, 'totals-before')?.date_range).toEqual(['2026-11-09', '2026-11-15']);
  });

  it('filters are part of every query, with the API’s names', () => {
    const plan = board({
      filters: [
        { dimension: 'page', op: 'contains', values: ['/blog'] },
        { dimension: 'country', op: 'is', values: ['JP', 'DE'] },
      ],
    });
    for (const { slot, query } of plan) {
      if (slot === 'since') continue;
      expect(query.filters).toEqual([
        ['contains', 'event:page', ['/blog'], { case_sensitive: false }],
        ['is', 'visit:country', ['JP', 'DE']],
      ]);
    }
  });

  it('lists leave out visits without campaign, and page views', () => {
    const plan = board({ tabs: { sources: 'utm_campaign', pages: 'name' }, filters: [] });
    expect(find(plan, 'rows-utm_campaign')?.filters).toEqual([
      ['is_not', 'visit:utm_campaign', ['(not set)']],
    ]);
    expect(find(plan, 'before-name')?.filters).toEqual([['is_not', 'event:name', ['pageview']]]);
    expect(find(plan, 'totals')?.filters).toEqual([]);
  });

  it('another metric on the chart needs no new query', () => {
    expect(board({ metric: 'bounce_rate' })).toEqual(board({ metric: 'visitors' }));
  });

  it('the page list asks for metrics of events only', () => {
    expect(find(board(), 'rows-page')?.metrics).toEqual(['visitors', 'pageviews']);
  });

  it('metrics that a collector may lack have queries of their own', () => {
    const always = [
      'visitors',
      'visits',
      'pageviews',
      'views_per_visit',
      'bounce_rate',
      'visit_duration',
      'events',
    ];
    for (const { slot, query } of board()) {
      const mayFail = /^(engaged|engagement|returning|journeys)/.test(slot);
      if (!mayFail) for (const metric of query.metrics) expect(always).toContain(metric);
    }
  });

  it('the map lists countries', () => {
    expect(find(board({ tabs: { countries: 'map' } }), 'rows-country')?.dimensions).toEqual([
      'visit:country',
    ]);
  });

  it('every choice of tabs with a full list fits in one batch', () => {
    for (const sources of PANEL_TABS.sources) {
      for (const pages of PANEL_TABS.pages) {
        for (const browsers of PANEL_TABS.browsers) {
          for (const returning of PANEL_TABS.returning) {
            const view: View = {
              ...DEFAULT_VIEW,
              filters:
                returning === 'visit_number' ? [{ dimension: 'goal', op: 'is', values: ['Order'] }] : [],
              tabs: { sources, pages, browsers, returning },
              detail: { tab: 'page', search: '', sort: '', direction: 'desc', page: 1 },
            };
            const days = daysOf(view, CLOCK);
            const given = { view, site: 'a', timezone: 'UTC', days, goals: GOALS };
            expect(planBoard(given).length + planDetail(given).length).toBeLessThanOrEqual(BATCH_QUERIES_MAX);
          }
        }
      }
    }
  });
});

describe('goals', () => {
  const reached = (name: string): Partial<View> => ({
    filters: [{ dimension: 'goal', op: 'is', values: [name] }],
  });

  it('are asked for if there are any, with revenue if in a currency', () => {
    expect(find(board(), 'rows-goal')).toBeUndefined();
    const plan = board({}, GOALS);
    expect(find(plan, 'rows-goal')).toMatchObject({
      dimensions: ['event:goal'],
      metrics: ['visitors', 'events', 'conversion_rate', 'total_revenue'],
    });
    const free = find(board({}, GOALS.slice(0, 1)), 'rows-goal');
    expect(free?.metrics).toEqual(['visitors', 'events', 'conversion_rate']);
  });

  it('add conversion rate and revenue to rows when filtered by', () => {
    const plan = board(reached('Signup'), GOALS);
    for (const tab of ['source', 'page', 'country', 'browser']) {
      expect(find(plan, `rows-${tab}`)?.metrics).toEqual(['visitors', 'group_conversion_rate']);
      expect(find(plan, `engagement-${tab}`)).toBeUndefined();
    }
    expect(find(plan, 'rows-source')?.filters).toEqual([['is', 'event:goal', ['Signup']]]);
    const paid = board(reached('Order'), GOALS);
    expect(find(paid, 'rows-source')?.metrics).toEqual([
      'visitors',
      'group_conversion_rate',
      'total_revenue',
    ]);
  });

  it('add nothing when several or unknown goals are filtered by', () => {
    const either: Partial<View> = { filters: [{ dimension: 'goal', op: 'is', values: ['Signup', 'Order'] }] };
    for (const view of [either, reached('Gone')]) {
      expect(find(board(view, GOALS), 'rows-source')?.metrics).toEqual(['visitors', 'visits', 'bounce_rate']);
    }
  });
});

describe('the queries of a full list', () => {
  const detail = (patch: Partial<NonNullable<View['detail']>>, limit?: number) => {
    const view: View = {
      ...DEFAULT_VIEW,
      detail: { tab: 'page', search: '', sort: '', direction: 'desc', page: 1, ...patch },
    };
    const days = daysOf(view, CLOCK);
    return planDetail({
      view,
      site: 'example.com',
      timezone: 'Asia/Tokyo',
      days,
      goals: [],
      ...(limit ? { limit } : {}),
    });
  };

  it('search is a filter, sort an order, page an offset', () => {
    const query = find(detail({ search: 'blog', sort: 'pageviews', direction: 'asc', page: 3 }), 'detail');
    expect(query?.filters).toEqual([['contains', 'event:page', ['blog'], { case_sensitive: false }]]);
    expect(query?.order_by).toEqual([['pageviews', 'asc']]);
    expect(query?.pagination).toEqual({ limit: 50, offset: 100 });
  });

  it('an unknown sort key falls back to the first metric', () => {
    expect(find(detail({ sort: 'bounce_rate', direction: 'asc' }), 'detail')?.order_by).toEqual([
      ['visitors', 'desc'],
    ]);
    expect(find(detail({ sort: 'name', direction: 'asc' }), 'detail')?.order_by).toEqual([
      ['event:page', 'asc'],
    ]);
  });

  it('a file has all pages of the list in the same order', () => {
    const query = find(detail({ page: 4, sort: 'pageviews' }, 10_000), 'detail');
    expect(query?.pagination).toEqual({ limit: 10_000, offset: 0 });
    expect(query?.order_by).toEqual([['pageviews', 'desc']]);
  });
});
