/**
 * Plain dates as `YYYY-MM-DD` text and arithmetic on them. A plain date has no time zone: the
 * collector buckets in the site's zone and the page only counts days, so neither the browser's zone
 * nor daylight saving time can shift a date.
 */
export type PlainDate = string;

const DAY_MS = 86_400_000;

export function isPlainDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

const toMs = (date: PlainDate): number => Date.parse(`${date}T00:00:00Z`);
const fromMs = (ms: number): PlainDate => new Date(ms).toISOString().slice(0, 10);

export const addDays = (date: PlainDate, days: number): PlainDate => fromMs(toMs(date) + days * DAY_MS);

/** Days from `a` to `b`; both the same day is 0. */
export const daysBetween = (a: PlainDate, b: PlainDate): number => Math.round((toMs(b) - toMs(a)) / DAY_MS);

/** The same day of another month. The 31st becomes the last day of a shorter month. */
export function addMonths(date: PlainDate, months: number): PlainDate {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const first = new Date(Date.UTC(year, month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return fromMs(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(day, last)));
}

export const startOfMonth = (date: PlainDate): PlainDate => `${date.slice(0, 7)}-01`;
export const startOfYear = (date: PlainDate): PlainDate => `${date.slice(0, 4)}-01-01`;
/** ISO weeks, as the collector buckets them: Monday first. */
export const startOfWeek = (date: PlainDate): PlainDate =>
  addDays(date, -((new Date(toMs(date)).getUTCDay() + 6) % 7));

/** Date, hour and minute of the local time in `timezone`. */
export function wallClock(now: Date, timezone: string): { date: PlainDate; hour: number; minute: number } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now);
  const part = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return {
    date: `${part('year')}-${part('month')}-${part('day')}`,
    hour: Number(part('hour')),
    minute: Number(part('minute')),
  };
}

/** Milliseconds by which `timezone` is ahead of UTC at an instant. */
function offsetMs(at: number, timezone: string): number {
  const { date, hour, minute } = wallClock(new Date(at), timezone);
  return toMs(date) + (hour * 60 + minute) * 60_000 - Math.floor(at / 60_000) * 60_000;
}

/** A local time in `timezone` as an instant with its offset, `2026-11-23T14:30:00+09:00`. */
export function instantOf(options: {
  date: PlainDate;
  hour: number;
  minute: number;
  timezone: string;
}): string {
  const { date, hour, minute, timezone } = options;
  const wall = toMs(date) + (hour * 60 + minute) * 60_000;
  // The offset depends on the instant, and the instant on the offset. The second guess is right.
  const offset = offsetMs(wall - offsetMs(wall, timezone), timezone);
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${date}T${two(hour)}:${two(minute)}:00${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
