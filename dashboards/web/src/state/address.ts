/**
 * The address is the state: the query string determines everything the page shows, so that Back,
 * Forward and a copied link give the same view. Defaults are left out. Parameters that are not
 * valid are ignored and reported.
 */
import type { Direction } from '../api/types.ts';
import { FILTERS_MAX, type Filter, parseFilter, writeFilter } from './filter.ts';
import { type Funnel, parseFunnel, writeFunnel } from './funnel.ts';
import {
  type Comparison,
  type DateRange,
  INTERVALS,
  type Interval,
  PERIODS,
  type Period,
  parseRange,
} from './period.ts';

export const CHART_METRICS = [
  'visitors',
  'visits',
  'pageviews',
  'engagement_time',
  'views_per_visit',
  'bounce_rate',
  'visit_duration',
] as const;
export type ChartMetric = (typeof CHART_METRICS)[number];

/** Panels and their tabs. Without a tab in the address, the first one is shown. */
export const PANEL_TABS = {
  sources: [
    'source',
    'channel',
    'referrer',
    'utm_campaign',
    'utm_source',
    'utm_medium',
    'utm_term',
    'utm_content',
  ],
  pages: ['page', 'entry_page', 'exit_page', 'name'],
  countries: ['country', 'map', 'language', 'region', 'city'],
  browsers: ['browser', 'os', 'device', 'screen'],
  returning: ['visit_number', 'days_since_seen'],
  journeys: ['next_page'],
  goals: ['goal'],
} as const;
export type Panel = keyof typeof PANEL_TABS;
export type Tab = (typeof PANEL_TABS)[Panel][number];
export const PANELS = Object.keys(PANEL_TABS) as Panel[];
export type DetailTab = Exclude<Tab, 'map' | 'visit_number' | 'days_since_seen' | 'next_page'>;

const DETAIL_TABS: readonly string[] = PANELS.flatMap((panel) => [...PANEL_TABS[panel]]).filter(
  (tab) => !['map', 'visit_number', 'days_since_seen', 'next_page'].includes(tab),
);

export type Detail = { tab: DetailTab; search: string; sort: string; direction: Direction; page: number };

/**
 * Sections of the manage pages, in their order. `letters` is the e-mails: addresses keep the name.
 */
export const SECTIONS = [
  'goals',
  'funnels',
  'notes',
  'filters',
  'letters',
  'people',
  'keys',
  'links',
  'account',
] as const;
export type Section = (typeof SECTIONS)[number];

export type View = {
  /** `null`: the first site. */
  site: string | null;
  period: Period;
  custom: DateRange | null;
  compare: Comparison;
  compareCustom: DateRange | null;
  matchWeekday: boolean;
  metric: ChartMetric;
  /** `null`: the default one of the period. */
  interval: Interval | null;
  chartAs: 'line' | 'table';
  filters: Filter[];
  tabs: Partial<Record<Panel, Tab>>;
  detail: Detail | null;
  /** The page whose clicks are shown; `null`: the one with the most visitors. */
  clicks: string | null;
  funnel: Funnel | null;
  /** The section of the manage pages that is open; `null`: the dashboard. */
  manage: Section | null;
  /** A language set by the address; `null`: the reader's preference. */
  lang: string | null;
};

export const DEFAULT_VIEW: View = {
  site: null,
  period: '28d',
  custom: null,
  compare: 'previous',
  compareCustom: null,
  matchWeekday: true,
  metric: 'visitors',
  interval: null,
  chartAs: 'line',
  filters: [],
  tabs: {},
  detail: null,
  clicks: null,
  funnel: null,
  manage: null,
  lang: null,
};

export const tabOf = (view: View, panel: Panel): Tab => view.tabs[panel] ?? PANEL_TABS[panel][0];

const COMPARISONS: readonly string[] = ['previous', 'year', 'custom', 'off'] satisfies Comparison[];
const includes = (list: readonly string[], value: string): boolean => list.includes(value);

/** Reads a query string. `ignored` names the parameters that are not valid, in their order. */
export function parseAddress(search: string): { view: View; ignored: string[] } {
  const params = new URLSearchParams(search);
  const view: View = { ...DEFAULT_VIEW, filters: [], tabs: {} };
  const ignored: string[] = [];
  const detail: Omit<Detail, 'tab'> = { search: '', sort: '', direction: 'desc', page: 1 };
  const open: { tab: DetailTab | null } = { tab: null };

  for (const [key, value] of params) {
    if (!readParam(key, value)) ignored.push(key);
  }
  view.custom = parseRange(params.get('from'), params.get('to'));
  view.compareCustom = parseRange(params.get('cfrom'), params.get('cto'));
  if (view.custom && !params.has('period')) view.period = 'custom';
  if (view.period === 'custom' && !view.custom) {
    view.period = DEFAULT_VIEW.period;
    ignored.push('period');
  }
  if (view.compare === 'custom' && !view.compareCustom) {
    view.compare = DEFAULT_VIEW.compare;
    ignored.push('compare');
  }
  if (open.tab) view.detail = { tab: open.tab, ...detail };
  return { view, ignored: [...new Set(ignored)] };

  function readParam(key: string, value: string): boolean {
    switch (key) {
      case 'site':
        view.site = value || null;
        return value !== '';
      case 'period':
        if (value !== 'custom' && !includes(PERIODS, value)) return false;
        view.period = value as Period;
        return true;
      case 'from':
      case 'to':
        return parseRange(params.get('from'), params.get('to')) !== null;
      case 'cfrom':
      case 'cto':
        return parseRange(params.get('cfrom'), params.get('cto')) !== null;
      case 'compare':
        if (!includes(COMPARISONS, value)) return false;
        view.compare = value as Comparison;
        return true;
      case 'match':
        view.matchWeekday = value !== 'date';
        return value === 'date' || value === 'weekday';
      case 'metric':
        if (!includes(CHART_METRICS, value)) return false;
        view.metric = value as ChartMetric;
        return true;
      case 'interval':
        if (!includes(INTERVALS, value)) return false;
        view.interval = value as Interval;
        return true;
      case 'chart':
        view.chartAs = value === 'table' ? 'table' : 'line';
        return value === 'table' || value === 'line';
      case 'f': {
        const filter = parseFilter(value);
        if (!filter || view.filters.length >= FILTERS_MAX) return false;
        view.filters.push(filter);
        return true;
      }
      case 'clicks':
        view.clicks = value || null;
        return value !== '';
      case 'funnel':
        view.funnel = parseFunnel(value);
        return view.funnel !== null;
      case 'manage':
        view.manage = SECTIONS.find((section) => section === value) ?? null;
        return view.manage !== null;
      case 'lang':
        view.lang = value || null;
        return true;
      case 'detail':
        if (!includes(DETAIL_TABS, value)) return false;
        open.tab = value as DetailTab;
        return true;
      case 'q':
        detail.search = value;
        return true;
      case 'sort': {
        const [name = '', direction = 'desc'] = value.split('.');
        if (!/^[a-z_]+$/.test(name) || (direction !== 'asc' && direction !== 'desc')) return false;
        detail.sort = name;
        detail.direction = direction;
        return true;
      }
      case 'p': {
        const page = Number(value);
        if (!Number.isInteger(page) || page < 1 || page > 10_000) return false;
        detail.page = page;
        return true;
      }
      default: {
        const panel = PANELS.find((name) => name === key);
        if (!panel || !includes(PANEL_TABS[panel], value)) return false;
        view.tabs[panel] = value as Tab;
        return true;
      }
    }
  }
}

/** The shortest query string that parses to `view`, with its `?`, or an empty string. */
export function writeAddress(view: View): string {
  const params = new URLSearchParams();
  const set = (key: string, value: string, normal: string) => {
    if (value !== normal) params.set(key, value);
  };
  set('site', view.site ?? '', '');
  if (view.period === 'custom' && view.custom) {
    params.set('from', view.custom.from);
    params.set('to', view.custom.to);
  } else set('period', view.period, DEFAULT_VIEW.period);
  set('compare', view.compare, DEFAULT_VIEW.compare);
  if (view.compare === 'custom' && view.compareCustom) {
    params.set('cfrom', view.compareCustom.from);
    params.set('cto', view.compareCustom.to);
  }
  set('match', view.matchWeekday ? 'weekday' : 'date', 'weekday');
  set('metric', view.metric, DEFAULT_VIEW.metric);
  set('interval', view.interval ?? '', '');
  set('chart', view.chartAs, 'line');
  for (const filter of view.filters) params.append('f', writeFilter(filter));
  for (const panel of PANELS) set(panel, tabOf(view, panel), PANEL_TABS[panel][0]);
  if (view.detail) {
    const { tab, search, sort, direction, page } = view.detail;
    params.set('detail', tab);
    set('q', search, '');
    if (sort) params.set('sort', direction === 'desc' ? sort : `${sort}.${direction}`);
    set('p', String(page), '1');
  }
  set('clicks', view.clicks ?? '', '');
  if (view.funnel) params.set('funnel', writeFunnel(view.funnel));
  set('manage', view.manage ?? '', '');
  set('lang', view.lang ?? '', '');
  const text = params.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%7E', '~');
  return text ? `?${text}` : '';
}
