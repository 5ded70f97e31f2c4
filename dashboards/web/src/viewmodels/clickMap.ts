/**
 * The click map: what is drawn of the cells that the collector counts. A cell is a square, a
 * twentieth of the page wide, numbered `row * 20 + column`.
 */
import type { QueryResponse } from '../api/types.ts';

export const COLUMNS = 20;
/** Rows drawn at most. Clicks further down are only counted. */
export const ROWS_MAX = 240;
/** Rows drawn at least, so that a few clicks near the top still look like a page. */
const ROWS_MIN = 12;
/** Shades of a cell. */
export const LEVELS = 5;

export type Cell = { row: number; column: number; clicks: number; level: number; rank: number };
export type ClickMap = {
  /** The cell with the most clicks first. */
  cells: Cell[];
  rows: number;
  clicks: number;
  /** Clicks below the rows that are drawn. */
  below: number;
};

export function clickMapOf(response: QueryResponse): ClickMap {
  const counted = response.results
    .map((row) => ({ cell: Number(row.dimensions[0]), clicks: row.metrics[0] ?? 0 }))
    .filter(({ cell, clicks }) => Number.isInteger(cell) && cell >= 0 && clicks > 0)
    .map(({ cell, clicks }) => ({ row: Math.floor(cell / COLUMNS), column: cell % COLUMNS, clicks }))
    .sort((a, b) => b.clicks - a.clicks || a.row - b.row || a.column - b.column);
  const sum = (list: { clicks: number }[]) => list.reduce((all, { clicks }) => all + clicks, 0);
  const shown = counted.filter(({ row }) => row < ROWS_MAX);
  const most = shown[0]?.clicks ?? 0;
  const cells = shown.map((cell, index) => ({
    ...cell,
    // By the square root: one very busy cell must not make all others look the same.
    level: Math.max(1, Math.ceil(LEVELS * Math.sqrt(cell.clicks / most))),
    rank: index + 1,
  }));
  return {
    cells,
    rows: Math.max(ROWS_MIN, ...cells.map(({ row }) => row + 2)),
    clicks: sum(counted),
    below: sum(counted.filter(({ row }) => row >= ROWS_MAX)),
  };
}

/** The part of the page's width that a column covers, in percent from the left. */
export const stretchOf = (column: number): [number, number] => [
  (column * 100) / COLUMNS,
  ((column + 1) * 100) / COLUMNS,
];
