/** The row of headline numbers above the chart. */
import type { Metric, QueryResponse } from '../api/types.ts';
import type { Change } from '../format/format.ts';
import { HEADLINE_METRICS } from '../query/plan.ts';
import type { ChartMetric } from '../state/address.ts';
import { changeOf } from './change.ts';
import { isUnsupported, type Known, readyValue } from './known.ts';

export type Headline = {
  metric: ChartMetric;
  value: Known<number | null>;
  before: number | null;
  change: Change;
};

const pick = (response: QueryResponse | null, list: readonly Metric[], metric: Metric): number | null =>
  response?.results[0]?.metrics[list.indexOf(metric)] ?? null;

export function headlines(options: {
  totals: Known<QueryResponse>;
  totalsBefore: Known<QueryResponse> | null;
  engaged: Known<QueryResponse>;
  engagedBefore: Known<QueryResponse> | null;
}): Headline[] {
  const { totals, totalsBefore, engaged, engagedBefore } = options;
  const one = (metric: ChartMetric, from: Known<QueryResponse>, earlier: Known<QueryResponse> | null) => {
    const list: readonly Metric[] = metric === 'engagement_time' ? ['engagement_time'] : HEADLINE_METRICS;
    const value: Known<number | null> =
      from.status === 'ready' ? { ...from, value: pick(from.value, list, metric) } : from;
    const before = earlier ? pick(readyValue(earlier), list, metric) : null;
    return { metric, value, before, change: changeOf(metric, readyValue(value), before) };
  };
  const order: ChartMetric[] = ['visitors', 'visits', 'pageviews'];
  // If the collector does not measure engagement, its tile is left out rather than empty.
  if (!isUnsupported(engaged)) order.push('engagement_time');
  order.push('views_per_visit', 'bounce_rate', 'visit_duration');
  return order.map((metric) =>
    metric === 'engagement_time' ? one(metric, engaged, engagedBefore) : one(metric, totals, totalsBefore),
  );
}
