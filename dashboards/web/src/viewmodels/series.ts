/**
 * Points of the chart: gaps filled, each with its earlier value, the current one marked as partial.
 */
import type { Metric, QueryResponse } from '../api/types.ts';
import { addDays, addMonths, daysBetween, type PlainDate, startOfMonth, startOfWeek } from '../state/date.ts';
import type { DateRange, Interval } from '../state/period.ts';

export type Point = {
  label: string;
  value: number | null;
  before: { label: string; value: number | null } | null;
  /** The interval is not over yet; drawn dashed. */
  isPartial: boolean;
  /** The interval has not begun; no value, not drawn. */
  isFuture: boolean;
};
export type Series = { metric: Metric; interval: Interval; points: Point[] };

/** Metrics that have no value, rather than zero, in an interval without visits. */
const RATES: readonly Metric[] = ['bounce_rate', 'views_per_visit', 'visit_duration', 'engagement_time'];

export const normalLabel = (label: string): string => label.replace('T', ' ').slice(0, 16);

/** Labels of all intervals from the first to the last day, as the collector names them. */
export function bucketLabels(range: DateRange, interval: Interval): string[] {
  const labels: string[] = [];
  const step = (date: PlainDate): PlainDate =>
    interval === 'week' ? addDays(date, 7) : interval === 'month' ? addMonths(date, 1) : addDays(date, 1);
  let date =
    interval === 'week'
      ? startOfWeek(range.from)
      : interval === 'month'
        ? startOfMonth(range.from)
        : range.from;
  while (date <= range.to && labels.length < 5000) {
    if (interval === 'hour') {
      for (let hour = 0; hour < 24; hour++) labels.push(`${date} ${String(hour).padStart(2, '0')}:00`);
    } else labels.push(date);
    date = step(date);
  }
  return labels;
}

/** Label of the interval that contains the site's current time. */
export function currentBucket(clock: { date: PlainDate; hour: number }, interval: Interval): string {
  switch (interval) {
    case 'hour':
      return `${clock.date} ${String(clock.hour).padStart(2, '0')}:00`;
    case 'day':
      return clock.date;
    case 'week':
      return startOfWeek(clock.date);
    case 'month':
      return startOfMonth(clock.date);
  }
}

export function seriesOf(options: {
  metric: Metric;
  metrics: readonly Metric[];
  interval: Interval;
  range: DateRange | null;
  beforeRange: DateRange | null;
  response: QueryResponse;
  before: QueryResponse | null;
  clock: { date: PlainDate; hour: number };
}): Series {
  const { metric, metrics, interval, response, before, clock } = options;
  const index = metrics.indexOf(metric);
  const now = valuesByLabel(response, index);
  const earlier = before ? valuesByLabel(before, index) : null;
  const labels = labelsOf(response, options.range, interval, now);
  const earlierLabels = before ? labelsOf(before, options.beforeRange, interval, earlier ?? new Map()) : [];
  const nothing = RATES.includes(metric) ? null : 0;
  const current = currentBucket(clock, interval);
  return {
    metric,
    interval,
    points: labels.map((label, i) => {
      const beforeLabel = earlierLabels[i];
      const isFuture = label > current;
      return {
        label,
        value: isFuture ? null : (now.get(label) ?? nothing),
        before:
          earlier && beforeLabel !== undefined
            ? { label: beforeLabel, value: earlier.get(beforeLabel) ?? nothing }
            : null,
        isPartial: label === current,
        isFuture,
      };
    }),
  };
}

function valuesByLabel(response: QueryResponse, index: number): Map<string, number | null> {
  return new Map(
    response.results.map(
      (row) => [normalLabel(row.dimensions[0] ?? ''), row.metrics[index] ?? null] as const,
    ),
  );
}

/** The collector's labels if it sends them, else those of the range, else those of the rows. */
function labelsOf(
  response: QueryResponse,
  range: DateRange | null,
  interval: Interval,
  values: Map<string, number | null>,
): string[] {
  const given = response.meta.time_labels;
  if (given && given.length > 0) return given.map(normalLabel);
  if (range) return bucketLabels(range, interval);
  const seen = [...values.keys()].sort();
  const first = seen[0]?.slice(0, 10);
  const last = seen.at(-1)?.slice(0, 10);
  return first && last ? bucketLabels({ from: first, to: last }, interval) : [];
}

/** Share of the earlier period that may lie before counting began. */
const UNCOUNTED_SHARE_MAX = 0.2;

/**
 * The day on which counting began, if that is too late in the earlier period to compare with it;
 * `null` if the comparison is valid.
 */
export function lateStart(options: { since: PlainDate | null; before: DateRange | null }): PlainDate | null {
  const { since, before } = options;
  if (since === null || before === null || since <= before.from) return null;
  const uncounted = daysBetween(before.from, since);
  const length = daysBetween(before.from, before.to) + 1;
  return uncounted / length > UNCOUNTED_SHARE_MAX ? since : null;
}
