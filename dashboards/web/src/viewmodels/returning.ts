/** Visits by visit number, and by days since the last visit in a few classes. */
import type { QueryResponse } from '../api/types.ts';

export type Step =
  | { kind: 'visit'; label: string }
  | { kind: 'never' }
  | { kind: 'same-day' }
  | { kind: 'day-before' }
  | { kind: 'days'; label: string }
  | { kind: 'unknown' };
export type StepRow = { key: string; step: Step; visits: number; bar: number; share: number };

/** The collector's classes of visit numbers, in their order. */
const VISIT_NUMBERS = ['1', '2', '3-5', '6-10', '11+'];
/** Classes of days since the last visit: first and last day, both included. */
const DAY_STEPS: [number, number][] = [
  [2, 6],
  [7, 13],
  [14, 29],
  [30, Number.POSITIVE_INFINITY],
];

export function visitNumbers(response: QueryResponse): StepRow[] {
  return rowsOf(response, (name) => {
    if (VISIT_NUMBERS.includes(name)) {
      return { order: VISIT_NUMBERS.indexOf(name), step: { kind: 'visit', label: name.replace('-', '–') } };
    }
    return { order: 99, step: { kind: 'unknown' } };
  });
}

export function daysSince(response: QueryResponse): StepRow[] {
  return rowsOf(response, (name) => {
    if (name === 'never') return { order: 0, step: { kind: 'never' } };
    const days = /^\d+$/.test(name) ? Number(name) : Number.NaN;
    if (days === 0) return { order: 1, step: { kind: 'same-day' } };
    if (days === 1) return { order: 2, step: { kind: 'day-before' } };
    const at = DAY_STEPS.findIndex(([first, last]) => days >= first && days <= last);
    const [first, last] = DAY_STEPS[at] ?? [0, 0];
    if (at === -1) return { order: 99, step: { kind: 'unknown' } };
    return {
      order: 3 + at,
      step: { kind: 'days', label: Number.isFinite(last) ? `${first}–${last}` : `${first}+` },
    };
  });
}

function rowsOf(response: QueryResponse, place: (name: string) => { order: number; step: Step }): StepRow[] {
  const sums = new Map<number, { step: Step; visits: number }>();
  for (const row of response.results) {
    const { order, step } = place(row.dimensions[0] ?? '');
    const visits = row.metrics[0] ?? 0;
    const sum = sums.get(order);
    if (sum) sum.visits += visits;
    else sums.set(order, { step, visits });
  }
  const all = [...sums.values()].reduce((total, { visits }) => total + visits, 0);
  const largest = Math.max(0, ...[...sums.values()].map(({ visits }) => visits));
  return [...sums.entries()]
    .sort(([a], [b]) => a - b)
    .map(([order, { step, visits }]) => ({
      key: String(order),
      step,
      visits,
      bar: largest > 0 ? visits / largest : 0,
      share: all > 0 ? visits / all : 0,
    }));
}
