/** Positions in the chart. Pure: numbers in, numbers and paths out. */
import type { Metric } from '../api/types.ts';
import type { Point } from '../viewmodels/series.ts';

const DECIMAL_STEPS = [1, 2, 2.5, 5, 10];
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 36_000];
const TIMES: readonly Metric[] = ['visit_duration', 'engagement_time', 'time_on_page'];
const COUNTS: readonly Metric[] = ['visitors', 'visits', 'pageviews', 'events'];

/** Tick values of the axis: about four round numbers, from 0 to at least `max`. */
export function ticksFor(metric: Metric, max: number): number[] {
  const least = metric === 'bounce_rate' ? 1 : COUNTS.includes(metric) ? 4 : 1;
  const rough = Math.max(max, least) / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  let step = (DECIMAL_STEPS.find((s) => s * magnitude >= rough) ?? 10) * magnitude;
  if (TIMES.includes(metric)) step = TIME_STEPS_S.find((s) => s >= rough) ?? step;
  else if (COUNTS.includes(metric)) step = Math.max(1, Math.ceil(step));
  const ticks: number[] = [];
  for (let i = 0; i <= 5; i++) {
    const value = Number((i * step).toFixed(6));
    ticks.push(value);
    if (value >= max && i > 0) break;
  }
  return ticks;
}

export type Box = { width: number; height: number; left: number; right: number; top: number; bottom: number };

export const xAt = (box: Box, index: number, count: number): number =>
  count <= 1
    ? (box.left + box.width - box.right) / 2
    : box.left + (index * (box.width - box.left - box.right)) / (count - 1);

export const yAt = (box: Box, value: number, max: number): number =>
  box.height - box.bottom - (value / (max || 1)) * (box.height - box.top - box.bottom);

/** The point nearest to a horizontal position. */
export function nearestIndex(box: Box, x: number, count: number): number {
  if (count <= 1) return 0;
  const at = ((x - box.left) / (box.width - box.left - box.right)) * (count - 1);
  return Math.min(count - 1, Math.max(0, Math.round(at)));
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** An SVG path through the points that have a value. A missing value interrupts the line. */
export function linePath(points: { x: number; y: number | null }[]): string {
  let path = '';
  let isDown = false;
  for (const { x, y } of points) {
    if (y === null) {
      isDown = false;
      continue;
    }
    path += `${isDown ? 'L' : 'M'}${round(x)} ${round(y)}`;
    isDown = true;
  }
  return path;
}

/** Indices of the points that get a label: evenly spread, starting with the first. */
export function labelIndices(count: number, room: number): number[] {
  if (count <= 0) return [];
  const step = Math.max(1, Math.ceil(count / Math.max(1, room)));
  const indices: number[] = [];
  for (let i = 0; i < count; i += step) indices.push(i);
  return indices;
}

/** The largest value drawn, the earlier period included. */
export const largestOf = (points: Point[]): number =>
  Math.max(0, ...points.map((p) => Math.max(p.value ?? 0, p.before?.value ?? 0)));
