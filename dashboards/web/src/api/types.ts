/** The API's wire formats, as far as this page uses them. */

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
    /**
     * How visitors are counted: distinct people; an estimate of them; each under the first visit of
     * the period; the sum of daily visitors, an upper bound.
     */
    visitors_semantics?: 'exact' | 'estimated' | 'first_touch' | 'daily' | 'by_value';
    /** The first day whose events still have visit ids; only if the query needs ids. */
    ids_cleared_before?: string;
    /** The end of the counted time, if small counts are protected and the period is not over. */
    numbers_until?: string;
  };
  query: { date_range?: [string, string] };
};

export type BatchItem = { status: number; body: QueryResponse | { error: string } };

export type Profile = 'consent' | 'exempt' | 'count';
/** A note at a day, or at a minute (`2026-11-24T15:30`), of the site's clock. */
export type Note = { at: string; text: string };
/** A goal. With a currency, its events have amounts. */
export type Goal = { name: string; currency: string | null };
export type Site = { id: string; timezone: string; profile: Profile; goals?: Goal[]; notes?: Note[] };
/** `link` is present on the page of a shared link. */
export type Boot = { sites: Site[]; demo: boolean; version: string; link?: { bearer: string } };

export type Quality = { accepted: number; dropped: Record<string, number> };

/** A funnel query and its answer (`POST /api/v2/funnel`). */
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
  /** The first day with visit ids. If the whole period is earlier, the numbers are `null`. */
  meta?: { ids_cleared_before?: string };
};

/** A query for what is behind a change, and its answer (`POST /api/v2/changes`). */
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
