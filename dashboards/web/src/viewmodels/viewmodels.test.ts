import { describe, expect, it } from 'vitest';
import type { QueryResponse, Row } from '../api/types.ts';
import type { Interval } from '../state/period.ts';
import { changeOf } from './change.ts';
import { headlines } from './headlines.ts';
import { isUnsupported, type Known, known } from './known.ts';
import { moversOf } from './movers.ts';
import { notesOf } from './notes.ts';
import { daysSince, visitNumbers } from './returning.ts';
import { bucketLabels, lateStart, type Series, seriesOf } from './series.ts';
import { tableOf, totalFor } from './table.ts';

const response = (
  rows: [string[], (number | null)[]][],
  meta: QueryResponse['meta'] = {},
): QueryResponse => ({
  results: rows.map(([dimensions, metrics]): Row => ({ dimensions, metrics })),
  meta,
  query: {},
});
const ready = <T>(value: T): Known<T> => ({ status: 'ready', value, isStale: false });

describe('a change', () => {
  it('from zero is new, not infinite', () => {
    expect(changeOf('visitors', 5, 0)).toEqual({ kind: 'new', amount: 0, tone: 'good' });
    expect(changeOf('visitors', 0, 0)).toEqual({ kind: 'percent', amount: 0, tone: 'flat' });
    expect(changeOf('visitors', 0, 10)).toEqual({ kind: 'percent', amount: -1, tone: 'bad' });
  });
  it('is unknown if the earlier number is unknown', () => {
    expect(changeOf('visitors', 5, null).kind).toBe('none');
  });
  it('of a rate is in points, and a falling bounce rate is good', () => {
    expect(changeOf('bounce_rate', 41, 44)).toEqual({ kind: 'points', amount: -3, tone: 'good' });
  });
});

describe('headline numbers', () => {
  const totals = response([[[], [7891, 9310, 24102, 2.6, 41, 96]]]);
  it('are those of the collector', () => {
    const list = headlines({
      totals: ready(totals),
      totalsBefore: ready(response([[[], [6687, 8312, 20000, 2.4, 44, 90]]])),
      engaged: ready(response([[[], [102]]])),
      engagedBefore: null,
    });
    const visitors = list.find((one) => one.metric === 'visitors');
    expect(visitors?.value).toEqual(ready(7891));
    expect(visitors?.change.amount).toBeCloseTo(0.18, 2);
    expect(list.find((one) => one.metric === 'engagement_time')?.value).toEqual(ready(102));
  });
  it('leave out unmeasured metrics and never show a failure as zero', () => {
    const refused: Known<QueryResponse> = {
      status: 'failed',
      failure: { kind: 'refused', message: 'Invalid metric' },
    };
    const down: Known<QueryResponse> = { status: 'failed', failure: { kind: 'server', status: 503 } };
    expect(isUnsupported(refused)).toBe(true);
    const list = headlines({ totals: down, totalsBefore: null, engaged: refused, engagedBefore: null });
    expect(list.map((one) => one.metric)).not.toContain('engagement_time');
    for (const one of list) expect(one.value.status).toBe('failed');
  });
});

describe('what is known about a query', () => {
  const answer = { ok: true as const, value: response([]) };
  it('the answer to the previous query is kept as stale', () => {
    const answers = new Map([['totals' as const, { asked: 'old', answer }]]);
    expect(known({ answers, slot: 'totals', asked: 'new', trouble: null })).toEqual({
      ...ready(response([])),
      isStale: true,
    });
  });
  it('old numbers are not shown for a query that failed', () => {
    const answers = new Map([['totals' as const, { asked: 'old', answer }]]);
    const trouble = { kind: 'offline' as const };
    expect(known({ answers, slot: 'totals', asked: 'new', trouble })).toEqual({
      status: 'failed',
      failure: trouble,
    });
  });
  it('a failed refresh keeps the numbers of the same query', () => {
    const answers = new Map([['totals' as const, { asked: 'same', answer }]]);
    expect(known({ answers, slot: 'totals', asked: 'same', trouble: { kind: 'timeout' } }).status).toBe(
      'ready',
    );
  });
});

describe('the chart', () => {
  const clock = { date: '2026-11-03', hour: 14 };
  const base = {
    metric: 'visitors' as const,
    metrics: ['visitors' as const],
    clock,
    before: null,
    beforeRange: null,
  };
  it('fills gaps, marks today as partial, leaves the future open', () => {
    const series = seriesOf({
      ...base,
      interval: 'day',
      range: { from: '2026-11-01', to: '2026-11-04' },
      response: response([
        [['2026-11-01'], [3]],
        [['2026-11-03'], [5]],
      ]),
    });
    expect(series.points.map((p) => p.value)).toEqual([3, 0, 5, null]);
    expect(series.points.map((p) => p.isPartial)).toEqual([false, false, true, false]);
    expect(series.points[3]?.isFuture).toBe(true);
  });
  it('pairs points with the earlier period by position', () => {
    const series = seriesOf({
      ...base,
      interval: 'day',
      range: { from: '2026-11-02', to: '2026-11-03' },
      beforeRange: { from: '2026-10-26', to: '2026-10-27' },
      response: response([]),
      before: response([[['2026-10-27'], [8]]]),
    });
    expect(series.points.map((p) => p.before)).toEqual([
      { label: '2026-10-26', value: 0 },
      { label: '2026-10-27', value: 8 },
    ]);
  });
  it('reads hours with and without seconds', () => {
    const series = seriesOf({
      ...base,
      interval: 'hour',
      range: { from: '2026-11-03', to: '2026-11-03' },
      response: response([
        [['2026-11-03 13:00:00'], [4]],
        [['2026-11-03T14:00:00'], [2]],
      ]),
    });
    expect(series.points).toHaveLength(24);
    expect(series.points[13]?.value).toBe(4);
    expect(series.points[14]).toMatchObject({ value: 2, isPartial: true });
    expect(series.points[15]?.value).toBeNull();
  });
  it('a rate without visits is null, not zero', () => {
    const series = seriesOf({
      ...base,
      metric: 'bounce_rate',
      metrics: ['visitors', 'bounce_rate'],
      interval: 'day',
      range: { from: '2026-11-01', to: '2026-11-02' },
      response: response([[['2026-11-01'], [3, 50]]]),
    });
    expect(series.points.map((p) => p.value)).toEqual([50, null]);
  });
  it('does not compare with a period counted only in part', () => {
    const before = { from: '2026-10-21', to: '2026-10-27' };
    expect(lateStart({ since: '2026-10-23', before })).toBe('2026-10-23');
    expect(lateStart({ since: '2026-10-22', before })).toBeNull();
    expect(lateStart({ since: '2026-10-21', before })).toBeNull();
  });
  it('compares with quiet weeks, not with time before counting', () => {
    const year = { from: '2025-10-28', to: '2025-11-24' };
    expect(lateStart({ since: '2026-10-01', before: year })).toBe('2026-10-01');
    expect(lateStart({ since: '2024-01-01', before: year })).toBeNull();
    expect(lateStart({ since: null, before: year })).toBeNull();
  });
  it('weeks begin on Monday', () => {
    expect(bucketLabels({ from: '2026-11-01', to: '2026-11-10' }, 'week')).toEqual([
      '2026-10-26',
      '2026-11-02',
      '2026-11-09',
    ]);
  });
});

describe('a list', () => {
  const now = response(
    [
      [['/a'], [50, 80]],
      [['/b'], [25, 30]],
      [['/c'], [5, 5]],
    ],
    { total_rows: 3 },
  );
  it('has bars relative to the largest row and shares of the total', () => {
    const table = tableOf({
      metrics: ['visitors', 'pageviews'],
      response: now,
      before: null,
      totalVisitors: 100,
    });
    expect(table.rows.map((row) => [row.bar, row.share])).toEqual([
      [1, 0.5],
      [0.5, 0.25],
      [0.1, 0.05],
    ]);
    expect(table.hasChange).toBe(false);
  });
  it('has no shares if rows are daily counts and the total is not', () => {
    const exact = response([[[], [100]]], { visitors_semantics: 'exact' });
    expect(totalFor(response([], { visitors_semantics: 'first_touch' }), exact)).toBe(100);
    expect(totalFor(response([], { visitors_semantics: 'daily' }), exact)).toBeNull();
    expect(
      totalFor(
        response([], { visitors_semantics: 'daily' }),
        response([[[], [9]]], { visitors_semantics: 'daily' }),
      ),
    ).toBe(9);
  });
  it('a missing earlier row is zero only if that list is complete', () => {
    const before = response([
      [['/a'], [40]],
      [['/x'], [1]],
    ]);
    const whole = tableOf({ metrics: ['visitors'], response: now, before, totalVisitors: null });
    expect(whole.rows[1]?.change.kind).toBe('new');
    const cut = tableOf({
      metrics: ['visitors'],
      response: now,
      before,
      totalVisitors: null,
      beforeLimit: 2,
    });
    expect(cut.rows[1]?.change.kind).toBe('none');
    expect(cut.rows[0]?.change.amount).toBeCloseTo(0.25);
  });
  it('joins engagement metrics by name, in any order', () => {
    const engagement = {
      metrics: ['time_on_page' as const],
      response: response([
        [['/c'], [5, 9]],
        [['/a'], [50, 70]],
      ]),
    };
    const table = tableOf({
      metrics: ['visitors', 'pageviews'],
      response: now,
      before: null,
      engagement,
      totalVisitors: null,
    });
    expect(table.metrics).toEqual(['visitors', 'pageviews', 'time_on_page']);
    expect(table.rows.map((row) => row.values[2])).toEqual([70, null, 9]);
  });
});

describe('what changed', () => {
  it('names the strongest movers, at most two per list', () => {
    const now = response([
      [['A'], [200]],
      [['B'], [10]],
      [['(other)'], [500]],
      [['C'], [150]],
      [['New'], [60]],
    ]);
    const before = response([
      [['A'], [100]],
      [['B'], [90]],
      [['(other)'], [1]],
      [['C'], [140]],
    ]);
    const movers = moversOf({ lists: [{ dimension: 'source', now, before }], totalBefore: 400 });
    expect(movers).toEqual([
      { dimension: 'source', name: 'A', delta: 100 },
      { dimension: 'source', name: 'B', delta: -80 },
    ]);
  });
  it('ignores small movements', () => {
    const lists = [
      { dimension: 'page' as const, now: response([[['/'], [102]]]), before: response([[['/'], [100]]]) },
    ];
    expect(moversOf({ lists, totalBefore: 100 })).toEqual([]);
  });
});

describe('how often people come back', () => {
  it('visit numbers keep their order', () => {
    const rows = visitNumbers(
      response([
        [['11+'], [4]],
        [['1'], [10]],
        [['(not set)'], [1]],
        [['3-5'], [5]],
      ]),
    );
    expect(rows.map((row) => row.visits)).toEqual([10, 5, 4, 1]);
    expect(rows[0]).toMatchObject({ bar: 1, share: 0.5 });
  });
  it('days since the last visit are summed into classes', () => {
    const days = response([
      [['never'], [50]],
      [['0'], [1]],
      [['1'], [2]],
      [['2'], [3]],
      [['6'], [4]],
      [['7'], [5]],
      [['400'], [6]],
    ]);
    const rows = daysSince(days);
    expect(rows.map((row) => row.visits)).toEqual([50, 1, 2, 7, 5, 6]);
    expect(rows.at(-1)?.step).toEqual({ kind: 'days', label: '30+' });
  });
});

describe('notes', () => {
  const series = (interval: Interval, labels: string[]): Series => ({
    metric: 'visitors',
    interval,
    points: labels.map((label) => ({ label, value: 1, before: null, isPartial: false, isFuture: false })),
  });
  const at = (text: string) => ({ at: text, text: `on ${text}` });
  const found = (of: Series, notes: { at: string; text: string }[]) =>
    [...notesOf(of, notes)].map(([index, list]) => [index, list.map((note) => note.at)]);

  it('belong to their hour, day, week or month, earliest first', () => {
    const days = series('day', ['2026-11-23', '2026-11-24']);
    const notes = [at('2026-11-24T15:30'), at('2026-11-24'), at('2026-11-22'), at('2026-11-25')];
    expect(found(days, notes)).toEqual([[1, ['2026-11-24', '2026-11-24T15:30']]]);
    const weeks = series('week', ['2026-11-16', '2026-11-23']);
    expect(found(weeks, notes)).toEqual([
      [0, ['2026-11-22']],
      [1, ['2026-11-24', '2026-11-24T15:30', '2026-11-25']],
    ]);
    expect(found(series('month', ['2026-10-01', '2026-11-01']), [at('2026-11-30')])).toEqual([
      [1, ['2026-11-30']],
    ]);
    const hours = series('hour', ['2026-11-24 00:00', '2026-11-24 15:00']);
    expect(found(hours, notes)).toEqual([
      [0, ['2026-11-24']],
      [1, ['2026-11-24T15:30']],
    ]);
  });
});
