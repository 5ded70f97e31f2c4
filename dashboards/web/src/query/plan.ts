/**
 * The queries of a view. Pure. Everything the page shows is planned here, so that one batch answers
 * one change of state. Components find an answer by its slot; an answer is reused as long as the
 * text of its query stays the same.
 */
import { BATCH_QUERIES_MAX } from '../api/client.ts';
import type { Goal, Metric, Query, WireFilter } from '../api/types.ts';
import { type ChartMetric, type DetailTab, PANELS, tabOf, type View } from '../state/address.ts';
import { daysBetween, instantOf, type PlainDate } from '../state/date.ts';
import { type Filter, toWire, wireName } from '../state/filter.ts';
import { comparedRange, type DateRange, type Interval, intervalsFor, rangeOf } from '../state/period.ts';
import {
  CHANGE_TABS,
  DETAIL_ROWS,
  DETAIL_WIDE_ROWS,
  ROWS_BEFORE_LIMIT,
  ROWS_LIMIT,
  TABLES,
  tableSpec,
} from './tables.ts';

export type Slot =
  | 'totals'
  | 'totals-before'
  | 'since'
  | 'series'
  | 'series-before'
  | 'engaged'
  | 'engaged-before'
  | 'returning'
  | 'returning-visit_number'
  | 'returning-days_since_seen'
  | 'journeys'
  | 'detail'
  | 'detail-before'
  | 'detail-engagement'
  | `rows-${DetailTab}`
  | `before-${DetailTab}`
  | `engagement-${DetailTab}`;

export type Plan = { slot: Slot; query: Query }[];

export const HEADLINE_METRICS = [
  'visitors',
  'visits',
  'pageviews',
  'views_per_visit',
  'bounce_rate',
  'visit_duration',
] as const satisfies Metric[];

/** The days of a view, in the site's time zone. */
export type Days = {
  range: DateRange | null;
  before: DateRange | null;
  interval: Interval;
  hasToday: boolean;
  /** If the period ends today: the time of day at which the earlier period ends as well. */
  beforeUntil: { hour: number; minute: number } | null;
};

export type WallClock = { date: PlainDate; hour: number; minute: number };

/**
 * Only days with visit ids can be cut at a time of day. Collectors keep ids for at least this long.
 */
const CUT_DAYS_MAX = 7;
/** The end of the earlier period moves in steps of this length, so that answers can be reused. */
const UNTIL_STEP_MINUTES = 10;

export function daysOf(view: View, clock: WallClock): Days {
  const today = clock.date;
  const range = rangeOf(view.period, today, view.custom);
  const before = comparedRange({
    range,
    period: view.period,
    compare: view.compare,
    matchWeekday: view.matchWeekday,
    custom: view.compareCustom,
  });
  const intervals = intervalsFor(range);
  const normal = intervals[0] ?? 'day';
  const interval = view.interval && intervals.includes(view.interval) ? view.interval : normal;
  const isCut = range?.to === today && before !== null && daysBetween(before.to, today) <= CUT_DAYS_MAX;
  const step = clock.minute - (clock.minute % UNTIL_STEP_MINUTES);
  // Just after midnight an empty period would leave nothing to compare with.
  const minute = clock.hour === 0 ? Math.max(step, UNTIL_STEP_MINUTES) : step;
  const beforeUntil = isCut ? { hour: clock.hour, minute } : null;
  const hasToday = !range || (range.from <= today && today <= range.to);
  return { range, before, interval, hasToday, beforeUntil };
}

const wireRange = (range: DateRange | null): Query['date_range'] => (range ? [range.from, range.to] : 'all');

function wireBefore({ before, beforeUntil }: Days, timezone: string): Query['date_range'] | null {
  if (!before || !beforeUntil) return before && wireRange(before);
  const { hour, minute } = beforeUntil;
  return [
    instantOf({ date: before.from, hour: 0, minute: 0, timezone }),
    instantOf({ date: before.to, hour, minute, timezone }),
  ];
}

/** The metrics of the chart's query: all headline metrics at once, engagement time separately. */
export const seriesMetrics = (metric: ChartMetric): readonly Metric[] =>
  metric === 'engagement_time' ? ['engagement_time'] : HEADLINE_METRICS;

export type PlanOptions = { view: View; site: string; timezone: string; days: Days; goals: readonly Goal[] };

export function planBoard(options: PlanOptions): Plan {
  const { view, site, timezone, days, goals } = options;
  const base = { site_id: site, filters: view.filters.map(toWire) };
  const now = { ...base, date_range: wireRange(days.range) };
  const beforeRange = wireBefore(days, timezone);
  const before = beforeRange && { ...base, date_range: beforeRange };
  const plan: Plan = [];
  const ask = (slot: Slot, query: Omit<Query, 'site_id'> & { site_id: string }) => plan.push({ slot, query });

  const totals: Metric[] = [...HEADLINE_METRICS];
  ask('totals', { ...now, metrics: totals });
  if (before) {
    ask('totals-before', { ...before, metrics: totals });
    // The first day of the site, without filters: a period before it cannot be compared with.
    ask('since', { site_id: site, metrics: ['pageviews'], date_range: 'all' });
  }

  const series = {
    metrics: [...seriesMetrics(view.metric)],
    dimensions: [`time:${days.interval}`],
    include: { time_labels: true as const },
  };
  ask('series', { ...now, ...series });
  if (before) ask('series-before', { ...before, ...series, date_range: wireRange(days.before) });

  const tabs = new Set<DetailTab>();
  for (const panel of PANELS) {
    if (panel === 'goals' && goals.length === 0) continue;
    const tab = tabOf(view, panel);
    if (tab === 'map') tabs.add('country');
    else if (tab in TABLES) tabs.add(tab as DetailTab);
  }
  if (before) for (const tab of CHANGE_TABS) tabs.add(tab);
  for (const tab of tabs) {
    const { dimension, metrics, engagement } = tableSpec(tab, view.filters, goals);
    const rows = (list: readonly Metric[], limit: number) => ({
      filters: listFilters(view.filters, tab),
      metrics: [...list],
      dimensions: [wireName(dimension)],
      order_by: [[list[0] ?? 'visitors', 'desc']] as [string, 'desc'][],
      pagination: { limit, offset: 0 },
    });
    // The map shows all 249 countries.
    const limit = tab === 'country' ? ROWS_BEFORE_LIMIT : ROWS_LIMIT;
    ask(`rows-${tab}`, { ...now, ...rows(metrics, limit), include: { total_rows: true } });
    if (before) ask(`before-${tab}`, { ...before, ...rows(metrics.slice(0, 1), ROWS_BEFORE_LIMIT) });
    if (engagement) ask(`engagement-${tab}`, { ...now, ...rows(['visitors', ...engagement], ROWS_LIMIT) });
  }

  ask('engaged', { ...now, metrics: ['engagement_time'] });
  if (before) ask('engaged-before', { ...before, metrics: ['engagement_time'] });
  ask('returning', { ...now, metrics: ['new_visitors', 'returning_visitors'] });
  const returning = tabOf(view, 'returning');
  if (returning === 'visit_number' || returning === 'days_since_seen') {
    ask(`returning-${returning}`, {
      ...now,
      metrics: ['visits'],
      dimensions: [`visit:${returning}`],
      pagination: { limit: RETURNING_ROWS, offset: 0 },
    });
  }
  ask('journeys', {
    ...now,
    metrics: ['visits'],
    dimensions: ['event:page', 'event:next_page'],
    order_by: [['visits', 'desc']],
    pagination: { limit: PANEL_JOURNEYS, offset: 0 },
  });
  if (plan.length > BATCH_QUERIES_MAX)
    throw new Error(`a view needs ${plan.length} queries, more than a batch takes`);
  return plan;
}

/** The view's filters and the value that the list leaves out. */
function listFilters(filters: Filter[], tab: DetailTab): WireFilter[] {
  const { dimension, without } = TABLES[tab];
  const wire = filters.map(toWire);
  return without === undefined ? wire : [...wire, ['is_not', wireName(dimension), [without]]];
}

/** Steps from page to page that are asked for. */
const PANEL_JOURNEYS = 60;
/** Values of "days since last visit": the measurement cookie lasts thirteen months. */
const RETURNING_ROWS = 400;

export function planDetail(options: PlanOptions & { limit?: number }): Plan {
  const { view, site, timezone, days, goals, limit } = options;
  if (!view.detail) return [];
  const { tab, search, sort, direction, page } = view.detail;
  const { dimension, metrics, engagement } = tableSpec(tab, view.filters, goals);
  const filters: Filter[] = search
    ? [...view.filters, { dimension, op: 'contains', values: [search] }]
    : view.filters;
  const base = { site_id: site, filters: listFilters(filters, tab), dimensions: [wireName(dimension)] };
  const rows = limit ?? DETAIL_ROWS;
  const sortKey = sort === 'name' ? wireName(dimension) : metrics.find((metric) => metric === sort);
  const plan: Plan = [
    {
      slot: 'detail',
      query: {
        ...base,
        date_range: wireRange(days.range),
        metrics: [...metrics],
        order_by: [[sortKey ?? metrics[0] ?? 'visitors', sortKey ? direction : 'desc']],
        pagination: { limit: rows, offset: limit ? 0 : (page - 1) * DETAIL_ROWS },
        include: { total_rows: true },
      },
    },
  ];
  const wide = { pagination: { limit: Math.max(rows, DETAIL_WIDE_ROWS), offset: 0 } };
  const beforeRange = wireBefore(days, timezone);
  if (beforeRange) {
    plan.push({
      slot: 'detail-before',
      query: { ...base, ...wide, date_range: beforeRange, metrics: metrics.slice(0, 1) },
    });
  }
  if (engagement) {
    plan.push({
      slot: 'detail-engagement',
      query: { ...base, ...wide, date_range: wireRange(days.range), metrics: ['visitors', ...engagement] },
    });
  }
  return plan;
}
