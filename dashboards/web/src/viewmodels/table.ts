/** Rows of a list, each with its bar, share and change. */
import type { Metric, QueryResponse } from '../api/types.ts';
import type { Change } from '../format/format.ts';
import { ROWS_BEFORE_LIMIT } from '../query/tables.ts';
import { changeOf } from './change.ts';

export type TableRow = {
  name: string;
  values: (number | null)[];
  /** Length of the bar: value relative to the largest row, 0..1. */
  bar: number;
  /** Share of all visitors, 0..1; `null` if the total is unknown. */
  share: number | null;
  before: number | null;
  change: Change;
};
export type Table = {
  metrics: Metric[];
  rows: TableRow[];
  totalRows: number;
  hasChange: boolean;
};

export function tableOf(options: {
  metrics: readonly Metric[];
  response: QueryResponse;
  before: QueryResponse | null;
  engagement?: { metrics: readonly Metric[]; response: QueryResponse } | null;
  totalVisitors: number | null;
  beforeLimit?: number;
}): Table {
  const { response, before, engagement, totalVisitors } = options;
  const primary = options.metrics[0] ?? 'visitors';
  const earlier =
    before && new Map(before.results.map((row) => [row.dimensions[0] ?? '', row.metrics[0] ?? 0]));
  // A missing row was zero only if the earlier list is complete.
  const isEarlierWhole =
    before !== null && before.results.length < (options.beforeLimit ?? ROWS_BEFORE_LIMIT);
  const read = new Map(
    engagement?.response.results.map((row) => [row.dimensions[0] ?? '', row.metrics.slice(1)]),
  );
  const largest = Math.max(0, ...response.results.map((row) => row.metrics[0] ?? 0));
  const rows = response.results.map((row) => {
    const name = row.dimensions[0] ?? '';
    const value = row.metrics[0] ?? null;
    const was = earlier ? (earlier.get(name) ?? (isEarlierWhole ? 0 : null)) : null;
    const extra = engagement ? engagement.metrics.map((_, i) => read.get(name)?.[i] ?? null) : [];
    return {
      name,
      values: [...row.metrics, ...extra],
      bar: largest > 0 ? (value ?? 0) / largest : 0,
      share: totalVisitors && value !== null ? Math.min(1, value / totalVisitors) : null,
      before: was,
      change: changeOf(primary, value, was),
    };
  });
  return {
    metrics: [...options.metrics, ...(engagement?.metrics ?? [])],
    rows,
    totalRows: response.meta.total_rows ?? rows.length,
    hasChange: before !== null,
  };
}

/**
 * All visitors, for the shares of `response`. `null` if the rows count visitors per day and the
 * total does not: a row could then be larger than the total.
 */
export function totalFor(response: QueryResponse, totals: QueryResponse | null): number | null {
  const semantics = response.meta.visitors_semantics;
  if (semantics === 'by_value') return null;
  const isSummed = semantics === 'daily';
  if (isSummed && totals?.meta.visitors_semantics !== 'daily') return null;
  return totals?.results[0]?.metrics[0] ?? null;
}
