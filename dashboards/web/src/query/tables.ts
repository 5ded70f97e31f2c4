/** The lists of the page: dimension, columns, and how many rows are asked for. */
import type { Goal, Metric } from '../api/types.ts';
import type { DetailTab } from '../state/address.ts';
import type { Dimension, Filter } from '../state/filter.ts';

export type TableSpec = {
  dimension: Dimension;
  /** The list is sorted by the first, and the bars show it. */
  metrics: readonly Metric[];
  /**
   * A value to leave out, because it would head the list and say nothing: visits without a
   * campaign.
   */
  without?: string;
  /**
   * Asked separately: an older collector may refuse these metrics, and the list must still work.
   */
  engagement?: readonly Metric[];
};

const bySource = ['visitors', 'visits', 'bounce_rate'] as const satisfies Metric[];

export const TABLES: Record<DetailTab, TableSpec> = {
  source: { dimension: 'source', metrics: bySource },
  channel: { dimension: 'channel', metrics: bySource },
  referrer: { dimension: 'referrer', metrics: bySource },
  utm_campaign: { dimension: 'utm_campaign', metrics: bySource, without: '(not set)' },
  utm_source: { dimension: 'utm_source', metrics: bySource, without: '(not set)' },
  utm_medium: { dimension: 'utm_medium', metrics: bySource, without: '(not set)' },
  utm_term: { dimension: 'utm_term', metrics: bySource, without: '(not set)' },
  utm_content: { dimension: 'utm_content', metrics: bySource, without: '(not set)' },
  page: {
    dimension: 'page',
    metrics: ['visitors', 'pageviews'],
    engagement: ['time_on_page', 'scroll_depth'],
  },
  entry_page: { dimension: 'entry_page', metrics: ['visitors', 'visits', 'bounce_rate'] },
  exit_page: { dimension: 'exit_page', metrics: ['visitors', 'visits'] },
  name: { dimension: 'name', metrics: ['visitors', 'events'], without: 'pageview' },
  country: { dimension: 'country', metrics: ['visitors', 'visits'] },
  region: { dimension: 'region', metrics: ['visitors', 'visits'] },
  city: { dimension: 'city', metrics: ['visitors', 'visits'] },
  language: { dimension: 'language', metrics: ['visitors', 'visits'] },
  browser: { dimension: 'browser', metrics: ['visitors', 'visits'] },
  os: { dimension: 'os', metrics: ['visitors', 'visits'] },
  device: { dimension: 'device', metrics: ['visitors', 'visits'] },
  screen: { dimension: 'screen', metrics: ['visitors', 'visits'] },
  goal: { dimension: 'goal', metrics: ['visitors', 'events', 'conversion_rate'] },
};

/** The goal that is filtered by, if it is exactly one. */
export function filteredGoal(filters: readonly Filter[], goals: readonly Goal[]): Goal | null {
  const [filter, ...more] = filters.filter(({ dimension }) => dimension === 'goal');
  if (!filter || more.length > 0 || filter.op !== 'is' || filter.values.length !== 1) return null;
  return goals.find(({ name }) => name === filter.values[0]) ?? null;
}

/**
 * A list as it is asked for. With a goal filter, its columns are visitors, conversion rate and, for
 * a goal with a currency, revenue.
 */
export function tableSpec(tab: DetailTab, filters: readonly Filter[], goals: readonly Goal[]): TableSpec {
  const spec = TABLES[tab];
  if (tab === 'goal') {
    const hasAmounts = goals.some(({ currency }) => currency);
    return hasAmounts ? { ...spec, metrics: [...spec.metrics, 'total_revenue'] } : spec;
  }
  const goal = filteredGoal(filters, goals);
  if (!goal) return spec;
  const { engagement: _, ...bare } = spec;
  const amounts: Metric[] = goal.currency ? ['total_revenue'] : [];
  return { ...bare, metrics: ['visitors', 'group_conversion_rate', ...amounts] };
}

/**
 * Lists that "What changed" searches, whichever tabs are open. Entry pages rather than pages:
 * visitors of entry pages add up to the headline, visitors of pages are counted per day.
 */
export const CHANGE_TABS = ['source', 'entry_page', 'country'] as const satisfies DetailTab[];

/** Rows drawn in a panel. */
export const PANEL_ROWS = 8;
/** Rows asked for: more than a panel draws, so that "What changed" also sees lower rows. */
export const ROWS_LIMIT = 60;
/** Rows of the earlier period, in which a row of this period may have been further down. */
export const ROWS_BEFORE_LIMIT = 250;
/** Rows on one page of a full list. */
export const DETAIL_ROWS = 50;
/** Rows of the earlier period and of the engagement metrics that a full list asks for. */
export const DETAIL_WIDE_ROWS = 2000;
/** Rows in one CSV file: the API's own limit. */
export const CSV_ROWS_MAX = 10_000;
