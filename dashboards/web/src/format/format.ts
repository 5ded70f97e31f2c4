/** Formats numbers, shares, durations, dates and names for the reader's language. Pure. */
import type { Metric } from '../api/types.ts';
import type { Translate } from '../i18n/translate.ts';
import { addDays, type PlainDate } from '../state/date.ts';
import type { Dimension } from '../state/filter.ts';
import type { DateRange, Interval } from '../state/period.ts';

/** Headlines from this value on are abbreviated ("12.4M"). */
const COMPACT_FROM = 10_000_000;

const COUNTS: readonly Metric[] = ['visitors', 'visits', 'pageviews', 'events'];

export type Change =
  | { kind: 'percent' | 'points'; amount: number; tone: 'good' | 'bad' | 'flat' }
  | { kind: 'new' | 'none'; amount: 0; tone: 'good' | 'bad' | 'flat' };

export type Format = ReturnType<typeof createFormat>;

export function createFormat(locale: string, t: Translate) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const decimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 });
  const signed = new Intl.NumberFormat(locale, { maximumFractionDigits: 0, signDisplay: 'exceptZero' });
  const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const shareFine = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
  const countries = displayNames(locale, 'region');
  const languages = displayNames(locale, 'language');
  const utc = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
  const wallTime = utc({ hour: '2-digit', minute: '2-digit' });
  const dayShort = utc({ day: 'numeric', month: 'short' });
  const dayFull = utc({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
  const rangeFull = utc({ day: 'numeric', month: 'short', year: 'numeric' });
  const monthShort = utc({ month: 'short' });
  const monthYear = utc({ month: 'long', year: 'numeric' });
  const hourOnly = utc({ hour: 'numeric' });
  const dayHour = utc({ weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric' });

  const at = (label: string): Date => {
    const [date = '1970-01-01', clock = '00:00'] = label.split(/[ T]/);
    return new Date(`${date}T${clock.slice(0, 5)}:00Z`);
  };

  const count = (value: number): string => whole.format(value);
  const percent = (ratio: number): string => {
    const size = Math.abs(ratio);
    return size > 0 && size < 0.1 ? shareFine.format(ratio) : share.format(ratio);
  };
  function duration(seconds: number): string {
    const all = Math.round(seconds);
    if (all < 60) return t('unit.seconds', { n: all });
    const minutes = Math.floor(all / 60);
    if (minutes < 60) {
      const rest = all % 60;
      return t('unit.minutes', { n: minutes }) + (rest ? ` ${t('unit.seconds', { n: rest })}` : '');
    }
    return `${t('unit.hours', { n: Math.floor(minutes / 60) })} ${t('unit.minutes', { n: minutes % 60 })}`;
  }

  return {
    locale,
    count,
    signed: (value: number) => signed.format(value),
    percent,
    duration,
    time: (when: Date) => time.format(when),
    /** A time of the site's clock. */
    clock: ({ hour, minute }: { hour: number; minute: number }) =>
      wallTime.format(Date.UTC(1970, 0, 1, hour, minute)),
    /** A metric's value in its unit. The API gives rates in percent and times in seconds. */
    metric(name: Metric, value: number | null | undefined): string {
      if (value === null || value === undefined) return '–';
      switch (name) {
        case 'bounce_rate':
        case 'scroll_depth':
          return share.format(value / 100);
        case 'conversion_rate':
        case 'group_conversion_rate':
          return shareFine.format(value / 100);
        case 'views_per_visit':
          return decimal.format(value);
        case 'visit_duration':
        case 'engagement_time':
        case 'time_on_page':
          return duration(value);
        default:
          return value >= COMPACT_FROM ? compact.format(value) : whole.format(value);
      }
    },
    /** In a list: every digit, so that rows can be compared. */
    cell(name: Metric, value: number | null | undefined): string {
      return COUNTS.includes(name) && typeof value === 'number'
        ? whole.format(value)
        : this.metric(name, value);
    },
    /** An amount of money; a dash if its currency is unknown. */
    money(value: number | null | undefined, currency: string | null): string {
      if (value === null || value === undefined || !currency) return '–';
      return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(value);
    },
    /** For the axis: always short. */
    axis(name: Metric, value: number): string {
      if (name === 'bounce_rate') return share.format(value / 100);
      if (name === 'visit_duration' || name === 'engagement_time') return duration(value);
      if (name === 'views_per_visit') return decimal.format(value);
      return value >= 10_000 ? compact.format(value) : whole.format(value);
    },
    /** The change without its arrow; `null` if there is none to show. */
    change(change: Change): string | null {
      switch (change.kind) {
        case 'percent':
          return share.format(Math.abs(change.amount));
        case 'points':
          return t('change.points', { n: decimal.format(Math.abs(change.amount)) });
        case 'new':
          return t('change.new');
        case 'none':
          return null;
      }
    },
    /** A label of the chart's axis. */
    tick(label: string, interval: Interval): string {
      if (interval === 'hour') return hourOnly.format(at(label));
      if (interval === 'month') return monthShort.format(at(label));
      return dayShort.format(at(label));
    },
    /** The full name of a point of the chart. */
    bucket(label: string, interval: Interval): string {
      if (interval === 'hour') return dayHour.format(at(label));
      if (interval === 'month') return monthYear.format(at(label));
      if (interval === 'week') return rangeFull.formatRange(at(label), at(addDays(label.slice(0, 10), 6)));
      return dayFull.format(at(label));
    },
    range(range: DateRange): string {
      return rangeFull.formatRange(at(range.from), at(range.to));
    },
    day: (date: PlainDate) => rangeFull.format(at(date)),
    /**
     * A value of a dimension in words: countries by name, empty values and folded rows explained.
     */
    name(dimension: Dimension, value: string): string {
      if (value === '(other)') return t('name.other');
      if (value === '(exit)') return t('journeys.end');
      if (dimension === 'country') {
        if (!/^[A-Z]{2}$/.test(value) || value === 'ZZ') return t('name.unknown');
        return countries?.of(value) ?? value;
      }
      if (dimension === 'source' || dimension === 'referrer') {
        if (value === '' || value === 'Direct / None' || value === '(direct)') return t('name.direct');
      }
      if (dimension === 'language' && /^[a-z]{2,3}$/.test(value)) return languages?.of(value) ?? value;
      if (dimension === 'screen' && value in SCREENS) return t(SCREENS[value as keyof typeof SCREENS]);
      if (dimension === 'device' && value in DEVICES) return t(DEVICES[value as keyof typeof DEVICES]);
      if (value === '' || value === '(not set)' || value === 'Unknown') {
        return t(dimension.startsWith('utm_') ? 'name.none' : 'name.unknown');
      }
      return value;
    },
  };
}

const DEVICES = {
  Desktop: 'device.Desktop',
  desktop: 'device.Desktop',
  Mobile: 'device.Mobile',
  mobile: 'device.Mobile',
  Tablet: 'device.Tablet',
  tablet: 'device.Tablet',
  Laptop: 'device.Laptop',
  TV: 'device.TV',
  tv: 'device.TV',
  other: 'device.other',
} as const;

/** Widths of the browser window, by the collector's classes. */
const SCREENS = {
  xs: 'screen.xs',
  sm: 'screen.sm',
  md: 'screen.md',
  lg: 'screen.lg',
  xl: 'screen.xl',
  xxl: 'screen.xxl',
} as const;

function displayNames(locale: string, type: Intl.DisplayNamesType): Intl.DisplayNames | null {
  try {
    return new Intl.DisplayNames([locale], { type });
  } catch {
    return null;
  }
}
