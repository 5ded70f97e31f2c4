import { expect, it } from 'vitest';
import { clickMapOf, ROWS_MAX, stretchOf } from './clickMap.ts';

const answer = (cells: [string, number | null][]) =>
  ({
    results: cells.map(([cell, clicks]) => ({ dimensions: [cell], metrics: [clicks] })),
    meta: {},
  }) as never;

it('cells are placed by row and column, the busiest first', () => {
  const map = clickMapOf(
    answer([
      ['7', 4],
      ['45', 100],
      ['46', 1],
    ]),
  );
  expect(map.cells.map(({ row, column, clicks, level, rank }) => [row, column, clicks, level, rank])).toEqual(
    [
      [2, 5, 100, 5, 1],
      [0, 7, 4, 1, 2],
      [2, 6, 1, 1, 3],
    ],
  );
  expect([map.clicks, map.below, map.rows]).toEqual([105, 0, 12]);
  expect(stretchOf(5)).toEqual([25, 30]);
});

it('clicks too far down are counted, not drawn', () => {
  const map = clickMapOf(
    answer([
      [String(ROWS_MAX * 20), 3],
      ['400', 2],
    ]),
  );
  expect([map.clicks, map.below, map.cells.length, map.rows]).toEqual([5, 3, 1, 22]);
});

it('rows that are not cells are ignored', () => {
  expect(clickMapOf(answer([]))).toEqual({ cells: [], rows: 12, clicks: 0, below: 0 });
  expect(clickMapOf(answer([['(other)', 9]])).clicks).toBe(0);
});
