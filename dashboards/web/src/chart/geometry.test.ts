import { describe, expect, it } from 'vitest';
import { labelIndices, linePath, nearestIndex, ticksFor, xAt } from './geometry.ts';

const BOX = { width: 500, height: 200, left: 40, right: 10, top: 10, bottom: 20 };

describe('the axis', () => {
  it.each([
    ['visitors', 0, [0, 1, 2, 3, 4].slice(0, 2)],
    ['visitors', 3, [0, 1, 2, 3]],
    ['visitors', 430, [0, 200, 400, 600]],
    ['visit_duration', 96, [0, 30, 60, 90, 120]],
  ] as const)('of %s up to %d has round steps', (metric, max, ticks) => {
    expect(ticksFor(metric, max)).toEqual(ticks);
  });
  it('reaches the largest value in whole numbers', () => {
    for (const max of [1, 7, 9, 99, 101, 12_345, 9_999_999]) {
      const ticks = ticksFor('visitors', max);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
      expect(ticks.every(Number.isInteger)).toBe(true);
      expect(ticks.length).toBeLessThanOrEqual(6);
    }
  });
});

it('a missing value interrupts the line', () => {
  const points = [1, 2, null, 4].map((y, x) => ({ x, y }));
  expect(linePath(points)).toBe('M0 1L1 2M3 4');
});

it('the nearest point is found, also beyond the ends', () => {
  for (const index of [0, 3, 6]) expect(nearestIndex(BOX, xAt(BOX, index, 7), 7)).toBe(index);
  expect(nearestIndex(BOX, -50, 7)).toBe(0);
  expect(nearestIndex(BOX, 9999, 7)).toBe(6);
  expect(nearestIndex(BOX, 10, 1)).toBe(0);
});

it('labels are evenly spread and fit the room', () => {
  expect(labelIndices(28, 7)).toEqual([0, 4, 8, 12, 16, 20, 24]);
  expect(labelIndices(0, 7)).toEqual([]);
});
