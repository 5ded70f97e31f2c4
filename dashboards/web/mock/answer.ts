/**
 * Answers Stats API v2 queries over made-up visits, in the simplest possible way. The page is
 * tested against it.
 */
import type { FilterOp, Metric, Query, QueryResponse, Row } from '../src/api/types.ts';
import {
  addDays,
  addMonths,
  type PlainDate,
  startOfMonth,
  startOfWeek,
  startOfYear,
} from '../src/state/date.ts';
import { bucketLabels } from '../src/viewmodels/series.ts';
import type { Visit } from './visits.ts';

export type Abilities = { hasEngagement: boolean; hasReturning: boolean };
export class QueryError extends Error {}

const BASE: readonly string[] = [
  'visitors',
  'visits',
  'pageviews',
  'views_per_visit',
  'bounce_rate',
  'visit_duration',
  'events',
];
const ENGAGEMENT: readonly string[] = ['engagement_time', 'scroll_depth', 'time_on_page'];
const RETURNING: readonly string[] = ['new_visitors', 'returning_visitors'];

type Piece = { visit: Visit; page: string | null; event: string | null; weight: number };

export function answer(options: {
  query: Query;
  visits: Visit[];
  today: PlainDate;
  scale: number;
  can: Abilities;
}): QueryResponse {
  const { query, visits, today, scale, can } = options;
  for (const metric of query.metrics) {
    const isKnown =
      BASE.includes(metric) ||
      (can.hasEngagement && ENGAGEMENT.includes(metric)) ||
      (can.hasReturning && RETURNING.includes(metric));
    if (!isKnown) throw new QueryError(`Invalid metric "${metric}"`);
  }
  const dimensions = query.dimensions ?? [];
  for (const dimension of dimensions) {
    const isReserved = ['visit:visit_number', 'visit:days_since_seen', 'event:next_page'].includes(dimension);
    if (isReserved && !can.hasReturning) throw new QueryError(`Invalid dimension "${dimension}"`);
  }
  const range = resolve(query.date_range, today, visits);
  // An instant within a day: the page compares the same hours.
  const until = /T(\d\d):(\d\d)/.exec(Array.isArray(query.date_range) ? query.date_range[1] : '');
  const lastHour = until ? Number(until[1]) + Number(until[2]) / 60 : 24;
  const inRange = visits.filter(
    (visit) =>
      visit.date >= range[0] && visit.date <= range[1] && (visit.date < range[1] || visit.hour < lastHour),
  );
  const matching = inRange.filter((visit) =>
    (query.filters ?? []).every(([op, dimension, values]) => matches(visit, op, dimension, values)),
  );
  const groups = new Map<string, { keys: string[]; pieces: Piece[] }>();
  for (const visit of matching) {
    for (const { keys, piece } of piecesOf(visit, dimensions, query)) {
      const id = keys.join('\u0000');
      const group = groups.get(id);
      if (group) group.pieces.push(piece);
      else groups.set(id, { keys, pieces: [piece] });
    }
  }
  if (dimensions.length === 0 && groups.size === 0) groups.set('', { keys: [], pieces: [] });
  let rows: Row[] = [...groups.values()].map(({ keys, pieces }) => ({
    dimensions: keys,
    metrics: query.metrics.map((metric) => (metric === 'clicks' ? null : measure(metric, pieces, scale))),
  }));
  const orders = query.order_by ?? [
    [
      dimensions[0]?.startsWith('time:') ? dimensions[0] : (query.metrics[0] ?? ''),
      dimensions[0]?.startsWith('time:') ? 'asc' : 'desc',
    ],
  ];
  rows.sort((a, b) => {
    for (const [by, direction] of orders) {
      const column = query.metrics.indexOf(by as Metric);
      const sign = direction === 'asc' ? 1 : -1;
      const diff =
        column >= 0
          ? (a.metrics[column] ?? 0) - (b.metrics[column] ?? 0)
          : compare(a.dimensions[dimensions.indexOf(by)] ?? '', b.dimensions[dimensions.indexOf(by)] ?? '');
      if (diff !== 0) return diff * sign;
    }
    return compare(a.dimensions.join(), b.dimensions.join());
  });
  const total = rows.length;
  const { limit = 10_000, offset = 0 } = query.pagination ?? {};
  rows = rows.slice(offset, offset + limit);
  const time = dimensions.find((dimension) => dimension.startsWith('time:'));
  return {
    results: rows,
    meta: {
      visitors_semantics:
        dimensions.length === 0
          ? 'exact'
          : dimensions.some((d) => d.startsWith('event:'))
            ? 'daily'
            : 'first_touch',
      ...(query.include?.total_rows ? { total_rows: total } : {}),
      ...(query.include?.time_labels && time
        ? {
            time_labels: bucketLabels({ from: range[0], to: range[1] }, time.slice(5) as 'day').map(
              timeLabel(time),
            ),
          }
        : {}),
    },
    query: { date_range: [`${range[0]}T00:00:00+09:00`, `${range[1]}T23:59:59+09:00`] },
  };
}

/** Enough to fill a list: the usual language of a country, the usual width of a device. */
const LANGUAGES: Record<string, string> = { JP: 'ja', DE: 'de', AT: 'de', FR: 'fr', TW: 'zh' };
const SCREENS: Record<string, string> = {
  Desktop: 'xl',
  desktop: 'xl',
  Mobile: 'xs',
  mobile: 'xs',
  Tablet: 'md',
  tablet: 'md',
};

const visitClass = (n: number): string => (n <= 2 ? String(n) : n <= 5 ? '3-5' : n <= 10 ? '6-10' : '11+');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const timeLabel = (time: string) => (label: string) => (time === 'time:hour' ? `${label}:00` : label);

function resolve(range: Query['date_range'], today: PlainDate, visits: Visit[]): [PlainDate, PlainDate] {
  if (Array.isArray(range)) return [range[0].slice(0, 10), range[1].slice(0, 10)];
  const days = /^(\d+)d$/.exec(range);
  const months = /^(\d+)mo$/.exec(range);
  if (days) return [addDays(today, -Number(days[1])), addDays(today, -1)];
  if (months) return [addMonths(startOfMonth(today), -Number(months[1])), addDays(startOfMonth(today), -1)];
  if (range === 'day') return [today, today];
  if (range === 'month') return [startOfMonth(today), today];
  if (range === 'year') return [startOfYear(today), today];
  if (range === 'all') return [visits[0]?.date ?? today, today];
  throw new QueryError(`Invalid date_range "${range}"`);
}

function piecesOf(visit: Visit, dimensions: string[], query: Query): { keys: string[]; piece: Piece }[] {
  const whole: Piece = { visit, page: null, event: null, weight: 1 };
  if (dimensions.includes('event:next_page')) {
    return visit.pages.map((page, i) => ({
      keys: [page, visit.pages[i + 1] ?? '(exit)'],
      piece: { ...whole, page },
    }));
  }
  if (dimensions.includes('event:page')) {
    const wanted = (query.filters ?? []).filter(([, dimension]) => dimension === 'event:page');
    return visit.pages
      .filter((page) => wanted.every(([op, , values]) => holds(op, page, values)))
      .map((page) => ({
        keys: dimensions.map((d) => (d === 'event:page' ? page : dimensionOf(visit, d))),
        piece: { ...whole, page },
      }));
  }
  if (dimensions.includes('event:name')) {
    const wanted = (query.filters ?? []).filter(([, dimension]) => dimension === 'event:name');
    const events = [...visit.pages.map(() => 'pageview'), ...visit.events];
    return events
      .filter((event) => wanted.every(([op, , values]) => holds(op, event, values)))
      .map((event) => ({
        keys: [event],
        piece: { ...whole, event },
      }));
  }
  return [{ keys: dimensions.map((dimension) => dimensionOf(visit, dimension)), piece: whole }];
}

function dimensionOf(visit: Visit, dimension: string): string {
  switch (dimension) {
    case 'time:hour':
      return `${visit.date} ${String(visit.hour).padStart(2, '0')}:00:00`;
    case 'time:day':
      return visit.date;
    case 'time:week':
      return startOfWeek(visit.date);
    case 'time:month':
      return startOfMonth(visit.date);
    case 'visit:entry_page':
      return visit.pages[0] ?? '';
    case 'visit:exit_page':
      return visit.pages.at(-1) ?? '';
    case 'visit:visit_number':
      return visitClass(visit.visitNumber);
    case 'visit:days_since_seen':
      return visit.daysSince === null ? 'never' : String(visit.daysSince);
    case 'visit:language':
      return LANGUAGES[visit.country] ?? 'en';
    case 'visit:screen':
      return SCREENS[visit.device] ?? '(not set)';
    case 'visit:region':
    case 'visit:city':
      // As with the bundled country database.
      return '(not set)';
    default: {
      const value = visit[dimension.replace(/^visit:/, '') as keyof Visit];
      if (typeof value !== 'string') throw new QueryError(`Invalid dimension "${dimension}"`);
      if (value !== '') return value;
      return dimension === 'visit:source' || dimension === 'visit:referrer' ? 'Direct / None' : '(not set)';
    }
  }
}

function matches(visit: Visit, op: FilterOp, dimension: string, values: string[]): boolean {
  const have =
    dimension === 'event:page'
      ? visit.pages
      : dimension === 'event:name'
        ? ['pageview', ...visit.events]
        : [dimensionOf(visit, dimension)];
  // One matching page or event is enough, as in the collector.
  return have.some((one) => holds(op, one, values));
}

function holds(op: FilterOp, value: string, values: string[]): boolean {
  switch (op) {
    case 'is':
      return values.includes(value);
    case 'is_not':
      return !values.includes(value);
    case 'contains':
      return values.some((part) => value.toLowerCase().includes(part.toLowerCase()));
    case 'contains_not':
      return !values.some((part) => value.toLowerCase().includes(part.toLowerCase()));
  }
}

function measure(metric: Metric, pieces: Piece[], scale: number): number | null {
  const visits = new Set(pieces.map((piece) => piece.visit));
  const visitors = (list: Iterable<Visit>) => new Set([...list].map((visit) => visit.visitor)).size * scale;
  const mean = (f: (visit: Visit) => number) =>
    visits.size === 0 ? 0 : [...visits].reduce((sum, visit) => sum + f(visit), 0) / visits.size;
  const isByPiece = pieces.some((piece) => piece.page !== null || piece.event !== null);
  switch (metric) {
    case 'visitors':
      return visitors(visits);
    case 'visits':
      return visits.size * scale;
    case 'pageviews':
      return (
        (isByPiece
          ? pieces.filter((p) => p.page !== null || p.event === 'pageview').length
          : [...visits].reduce((n, v) => n + v.pages.length, 0)) * scale
      );
    case 'events':
      return (
        (isByPiece ? pieces.length : [...visits].reduce((n, v) => n + v.pages.length + v.events.length, 0)) *
        scale
      );
    // The made-up sites have no goals.
    case 'conversion_rate':
    case 'group_conversion_rate':
    case 'total_revenue':
      throw new QueryError('there are no goals on this site');
    case 'views_per_visit':
      return Math.round(mean((visit) => visit.pages.length) * 100) / 100;
    case 'bounce_rate':
      return Math.round(mean((visit) => (visit.pages.length === 1 && visit.events.length === 0 ? 100 : 0)));
    case 'visit_duration':
      return Math.round(mean((visit) => visit.duration));
    case 'engagement_time':
      return Math.round(mean((visit) => visit.engaged));
    case 'time_on_page':
      return Math.round(mean((visit) => visit.engaged / visit.pages.length));
    case 'scroll_depth':
      return Math.round(mean((visit) => visit.scroll));
    case 'new_visitors':
      return visitors([...visits].filter((visit) => visit.visitNumber === 1));
    case 'returning_visitors':
      return visitors([...visits].filter((visit) => visit.visitNumber > 1));
  }
}
