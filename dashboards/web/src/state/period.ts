/** The days of a period, and the days they are compared with. Pure: `today` is passed in. */
import {
  addDays,
  addMonths,
  daysBetween,
  isPlainDate,
  type PlainDate,
  startOfMonth,
  startOfYear,
} from './date.ts';

export const PERIODS = [
  'today',
  'yesterday',
  '7d',
  '28d',
  '91d',
  'month',
  'last-month',
  '12mo',
  'year',
  'all',
] as const;
export type Preset = (typeof PERIODS)[number];
export type Period = Preset | 'custom';
export type Comparison = 'previous' | 'year' | 'custom' | 'off';
export const INTERVALS = ['hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

/** Both ends included. */
export type DateRange = { from: PlainDate; to: PlainDate };

export const lengthInDays = (range: DateRange): number => daysBetween(range.from, range.to) + 1;

/** `null` for "all": only the server knows the first day. */
export function rangeOf(period: Period, today: PlainDate, custom?: DateRange | null): DateRange | null {
  const back = (days: number): DateRange => ({ from: addDays(today, -(days - 1)), to: today });
  switch (period) {
    case 'today':
      return back(1);
    case 'yesterday':
      return { from: addDays(today, -1), to: addDays(today, -1) };
    case '7d':
      return back(7);
    case '28d':
      return back(28);
    case '91d':
      return back(91);
    case 'month':
      return { from: startOfMonth(today), to: today };
    case 'last-month': {
      const from = addMonths(startOfMonth(today), -1);
      return { from, to: addDays(startOfMonth(today), -1) };
    }
    case '12mo':
      return { from: addMonths(startOfMonth(today), -11), to: today };
    case 'year':
      return { from: startOfYear(today), to: today };
    case 'all':
      return null;
    case 'custom':
      return custom ?? back(28);
  }
}

/**
 * The days to compare with. `matchWeekday` moves the start to the nearest day with the same
 * weekday, so that Mondays are compared with Mondays.
 */
export function comparedRange(options: {
  range: DateRange | null;
  period: Period;
  compare: Comparison;
  matchWeekday: boolean;
  custom?: DateRange | null;
}): DateRange | null {
  const { range, period, compare, matchWeekday, custom } = options;
  if (!range || compare === 'off') return null;
  if (compare === 'custom') return custom ?? null;
  const days = lengthInDays(range);
  const isCalendarMonth = period === 'month' || period === 'last-month';
  let from: PlainDate;
  if (compare === 'year') from = addMonths(range.from, -12);
  else if (isCalendarMonth) from = addMonths(range.from, -1);
  else if (period === '12mo' || period === 'year') from = addMonths(range.from, -12);
  else from = addDays(range.from, -days);
  if (matchWeekday && days < 91) from = nearestSameWeekday(from, range.from);
  // The two periods must not overlap.
  if (addDays(from, days - 1) >= range.from) from = addDays(from, -7);
  return { from, to: addDays(from, days - 1) };
}

function nearestSameWeekday(date: PlainDate, like: PlainDate): PlainDate {
  const off = ((daysBetween(date, like) % 7) + 7) % 7;
  return addDays(date, off <= 3 ? off : off - 7);
}

/** Intervals that give a readable chart (at most about 400 points), the default first. */
export function intervalsFor(range: DateRange | null): Interval[] {
  if (!range) return ['month', 'week', 'day'];
  const days = lengthInDays(range);
  if (days <= 2) return ['hour'];
  if (days <= 7) return ['day', 'hour'];
  if (days <= 31) return ['day', 'week'];
  if (days <= 100) return ['day', 'week', 'month'];
  if (days <= 400) return ['week', 'day', 'month'];
  return ['month', 'week'];
}

/** A custom range, its ends put in order; `null` if either end is not a date. */
export function parseRange(from: string | null, to: string | null): DateRange | null {
  if (!from || !to || !isPlainDate(from) || !isPlainDate(to)) return null;
  return from <= to ? { from, to } : { from: to, to: from };
}
