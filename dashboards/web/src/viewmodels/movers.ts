/**
 * The rows behind "What changed": those of the source, entry page and country lists whose visitors
 * changed most. At most two per list, so that one list cannot fill the line.
 */
import type { QueryResponse } from '../api/types.ts';
import { ROWS_BEFORE_LIMIT, ROWS_LIMIT } from '../query/tables.ts';
import type { Dimension } from '../state/filter.ts';

export type Mover = { dimension: Dimension; name: string; delta: number };

const MOVERS_MAX = 5;
const PER_LIST_MAX = 2;
/**
 * A mover must carry at least this share of the earlier total, and at least `DELTA_MIN` visitors.
 */
const SHARE_MIN = 0.01;
const DELTA_MIN = 3;

export function moversOf(options: {
  /** `limit`: rows of the current period that were asked for. */
  lists: { dimension: Dimension; now: QueryResponse; before: QueryResponse; limit?: number }[];
  totalBefore: number;
}): Mover[] {
  const least = Math.max(DELTA_MIN, options.totalBefore * SHARE_MIN);
  const movers = options.lists.flatMap(({ dimension, now, before, limit = ROWS_LIMIT }) => {
    const count = (response: QueryResponse) =>
      new Map(response.results.map((row) => [row.dimensions[0] ?? '', row.metrics[0] ?? 0]));
    const after = count(now);
    const earlier = count(before);
    const isNowWhole = now.results.length < limit;
    const isEarlierWhole = before.results.length < ROWS_BEFORE_LIMIT;
    const names = new Set([...after.keys(), ...earlier.keys()]);
    return [...names]
      .filter((name) => (after.has(name) || isNowWhole) && (earlier.has(name) || isEarlierWhole))
      .filter((name) => name !== '(other)')
      .map((name) => ({ dimension, name, delta: (after.get(name) ?? 0) - (earlier.get(name) ?? 0) }))
      .filter((mover) => Math.abs(mover.delta) >= least)
      .sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta))
      .slice(0, PER_LIST_MAX);
  });
  return movers.sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta)).slice(0, MOVERS_MAX);
}
