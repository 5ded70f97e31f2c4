/** What each list is made of: its dimension on the wire, its columns, and what a click on a row filters by. */
import type { Goal, Metric } from '../api/types.ts';
import type { DetailTab } from '../state/address.ts';
import type { Dimension, Filter } from '../state/filter.ts';

export type TableSpec = {
  dimension: Dimension;
  /** The first is what the list is sorted by and what the bars show. */
  metrics: readonly Metric[];
  /** A value that says nothing in this list, and would head it: visits of no campaign, page views among events. */
  without?: string;
  /** Asked apart, because a collector may not measure them yet; their absence must not cost the list. */
  reading?: readonly Metric[];
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
  page: { dimension: 'page', metrics: ['visitors', 'pageviews'], reading: ['time_on_page', 'scroll_depth'] },
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

/** The one goal that is filtered by, if it is one. */
export function goalOf(filters: readonly Filter[], goals: readonly Goal[]): Goal | null {
  const [filter, ...more] = filters.filter(({ dimension }) => dimension === 'goal');
  if (!filter || more.length > 0 || filter.op !== 'is' || filter.values.length !== 1) return null;
  return goals.find(({ name }) => name === filter.values[0]) ?? null;
}

/**
 * A list as it is asked for. Beside who reached a goal stands how many of all that is, and what
 * they brought; amounts are asked for where there can be some.
 */
export function tableSpec(tab: DetailTab, filters: readonly Filter[], goals: readonly Goal[]): TableSpec {
  const spec = TABLES[tab];
  if (tab === 'goal') {
    const hasAmounts = goals.some(({ currency }) => currency);
    return hasAmounts ? { ...spec, metrics: [...spec.metrics, 'total_revenue'] } : spec;
  }
  const goal = goalOf(filters, goals);
  if (!goal) return spec;
  const { reading: _, ...bare } = spec;
  const amounts: Metric[] = goal.currency ? ['total_revenue'] : [];
  return { ...bare, metrics: ['visitors', 'group_conversion_rate', ...amounts] };
}

/**
 * Lists that the "what changed" line looks into, whatever tabs are open. Entry pages rather than
 * pages: their visitors add up to the headline, while people who saw a page are counted by day.
 */
export const CHANGE_TABS = ['source', 'entry_page', 'country'] as const satisfies DetailTab[];

/** Rows drawn in a panel. */
export const PANEL_ROWS = 8;
/** Rows asked for: more than are drawn, so that "what changed" can look below the fold. */
export const ROWS_LIMIT = 60;
/** Rows of the earlier period, where a row of today may have stood lower. */
export const ROWS_BEFORE_LIMIT = 250;
export const DETAIL_ROWS = 50;
/** Rows in one CSV file; the API's own bound. */
export const CSV_ROWS_MAX = 10_000;
