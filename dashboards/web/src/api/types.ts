/** The wire shapes of the collector, as far as this page uses them (Stats API v2 and its neighbours). */

export type Metric =
  | 'visitors'
  | 'visits'
  | 'pageviews'
  | 'views_per_visit'
  | 'bounce_rate'
  | 'visit_duration'
  | 'events'
  | 'engagement_time'
  | 'scroll_depth'
  | 'time_on_page'
  | 'conversion_rate'
  | 'group_conversion_rate'
  | 'total_revenue'
  | 'new_visitors'
  | 'returning_visitors';

export type FilterOp = 'is' | 'is_not' | 'contains' | 'contains_not';
export type WireFilter = [FilterOp, string, string[], { case_sensitive: boolean }?];
export type Direction = 'asc' | 'desc';

export type Query = {
  site_id: string;
  metrics: (Metric | 'clicks')[];
  date_range: string | [string, string];
  dimensions?: string[];
  filters?: WireFilter[];
  order_by?: [string, Direction][];
  pagination?: { limit: number; offset: number };
  include?: { time_labels?: true; total_rows?: true };
};

export type Row = { metrics: (number | null)[]; dimensions: string[] };

export type QueryResponse = {
  results: Row[];
  meta: {
    time_labels?: string[];
    total_rows?: number;
    /** Distinct people; an estimate of them; each under the first visit in the period; or a sum of days, an upper bound. */
    visitors_semantics?: 'exact' | 'estimated' | 'first_touch' | 'daily' | 'by_value';
    /** The day from which on the events still say which visit they belong to; only where the question needed to know. */
    ids_cleared_before?: string;
    /** Up to when events are counted, where small counts are protected and the period is not over. */
    numbers_until?: string;
  };
  query: { date_range?: [string, string] };
};

export type BatchItem = { status: number; body: QueryResponse | { error: string } };

export type Profile = 'consent' | 'exempt' | 'count';
/** What somebody wrote down beside the numbers: at a day, or at a minute (`2026-11-24T15:30`) of the site's clock. */
export type Note = { at: string; text: string };
/** What visitors of a site are meant to do; with a currency, its events have amounts. */
export type Goal = { name: string; currency: string | null };
export type Site = { id: string; timezone: string; profile: Profile; goals?: Goal[]; notes?: Note[] };
/** `link` is there on the page of a shared link: what it asks with. */
export type Boot = { sites: Site[]; demo: boolean; version: string; link?: { bearer: string } };

export type Quality = { accepted: number; dropped: Record<string, number> };

/** A question about a funnel, and its answer (`POST /api/v2/funnel`). */
export type FunnelQuery = {
  site_id: string;
  date_range: string | [string, string];
  filters: WireFilter[];
  order: 'loose' | 'strict';
  steps: { name?: string; filters: unknown[][] }[];
  dimensions?: string[];
};
export type FunnelStep = {
  name: string;
  visits: number;
  dropped: number;
  step_rate: number;
  conversion_rate: number;
};
export type FunnelResponse = {
  results: { dimensions: string[]; visits: number; steps: FunnelStep[] }[];
  /** The day from which on visits are known; where the whole period lies before it, the numbers are null. */
  meta?: { ids_cleared_before?: string };
};

/** What is behind a difference, and its answer (`POST /api/v2/changes`). */
export type ChangesQuery = {
  site_id: string;
  metric: 'visitors' | 'visits' | 'pageviews';
  date_range: Query['date_range'];
  comparison?: { mode: 'custom'; date_range: Query['date_range'] };
  filters: WireFilter[];
};
export type ChangesResponse = {
  total: { now: number | null; before: number | null };
  contributors: { dimension: string; value: string; now: number; before: number; difference: number }[];
};
