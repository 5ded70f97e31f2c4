/** Made-up visits for development and tests. The same seed gives the same visits. */
import { addDays, type PlainDate } from '../src/state/date.ts';

export type Visit = {
  date: PlainDate;
  hour: number;
  visitor: number;
  pages: string[];
  events: string[];
  duration: number;
  engaged: number;
  scroll: number;
  source: string;
  channel: string;
  referrer: string;
  utm_source: string;
  utm_medium: string;
  utm_campaign: string;
  utm_term: string;
  utm_content: string;
  country: string;
  browser: string;
  os: string;
  device: string;
  visitNumber: number;
  daysSince: number | null;
};

/** A small, repeatable random generator (xorshift32). */
export function randomFrom(seed: number): () => number {
  let x = seed | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 4294967296;
  };
}

type Weighted<T> = readonly (readonly [T, number])[];
function pick<T>(random: () => number, list: Weighted<T>): T {
  let at = random() * list.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of list) {
    at -= weight;
    if (at <= 0) return value;
  }
  return (list[0] as readonly [T, number])[0];
}

type Source = [source: string, channel: string, referrer: string];
const SOURCES: Weighted<Source> = [
  [['Google', 'Organic Search', 'www.google.com'], 34],
  [['', 'Direct', ''], 30],
  [['Yahoo! JAPAN', 'Organic Search', 'search.yahoo.co.jp'], 12],
  [['Newsletter', 'Email', ''], 7],
  [['Bing', 'Organic Search', 'www.bing.com'], 6],
  [['LINE', 'Organic Social', 'line.me'], 5],
  [['X', 'Organic Social', 't.co'], 4],
  [['Hatena', 'Referral', 'b.hatena.ne.jp'], 3],
  [['note', 'Referral', 'note.com'], 2.5],
  [['DuckDuckGo', 'Organic Search', 'duckduckgo.com'], 2],
  [['Instagram', 'Organic Social', 'l.instagram.com'], 1.5],
  [['GitHub', 'Referral', 'github.com'], 1.2],
  [['ChatGPT', 'AI Assistant', 'chatgpt.com'], 1],
];
const PAGES: Weighted<string> = [
  ['/', 30],
  ['/pricing', 14],
  ['/products/travel-esim', 12],
  ['/products/data-plans', 9],
  ['/guide/set-up-esim-on-iphone', 8],
  ['/guide/set-up-esim-on-android', 6],
  ['/coverage/japan', 5],
  ['/coverage/europe', 4],
  ['/blog/roaming-explained-what-it-costs-and-how-to-avoid-it', 4],
  ['/support', 3.5],
  ['/support/contact', 2],
  ['/about', 2],
  ['/coverage/thailand', 1.6],
  ['/blog/summer-2026', 1.2],
  ['/legal/privacy', 0.8],
  ['/careers', 0.6],
];
const COUNTRIES: Weighted<string> = [
  ['JP', 62],
  ['US', 9],
  ['DE', 6],
  ['GB', 4],
  ['TW', 4],
  ['FR', 3],
  ['KR', 3],
  ['TH', 2],
  ['SG', 2],
  ['AU', 1.5],
  ['IN', 1.2],
  ['CA', 1],
  ['AT', 0.8],
  ['CH', 0.8],
  ['NL', 0.6],
  ['BR', 0.5],
  ['ZA', 0.3],
  ['MT', 0.2],
];
type Device = [device: string, os: string, browser: string];
const DEVICES: Weighted<Device> = [
  [['Mobile', 'iOS', 'Safari'], 38],
  [['Mobile', 'Android', 'Chrome'], 22],
  [['Desktop', 'Windows', 'Chrome'], 16],
  [['Desktop', 'Windows', 'Edge'], 8],
  [['Desktop', 'macOS', 'Safari'], 6],
  [['Desktop', 'macOS', 'Chrome'], 4],
  [['Desktop', 'Windows', 'Firefox'], 2.5],
  [['Mobile', 'Android', 'Samsung Internet'], 2],
  [['Tablet', 'iPadOS', 'Safari'], 1.5],
  [['Desktop', 'Linux', 'Firefox'], 1],
];
const HOURS: Weighted<number> = [
  2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 11, 10, 9, 9, 9, 8, 8, 9, 10, 10, 8, 5,
].map((weight, hour) => [hour, weight] as const);

export function makeVisits(options: {
  from: PlainDate;
  to: PlainDate;
  seed: number;
  perDay: number;
}): Visit[] {
  const { from, to, seed, perDay } = options;
  const visits: Visit[] = [];
  let dayIndex = 0;
  for (let date = from; date <= to; date = addDays(date, 1), dayIndex++) {
    const random = randomFrom(seed + Number(date.replaceAll('-', '')));
    random();
    const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
    const weekly = weekday === 0 || weekday === 6 ? 0.66 : 1;
    const trend = 0.62 + dayIndex / 900 + 0.1 * Math.sin(dayIndex / 23);
    const bump = dayIndex % 61 > 57 ? 1.5 : 1;
    const count = Math.round(perDay * weekly * trend * bump * (0.92 + random() * 0.16));
    for (let i = 0; i < count; i++) visits.push(makeVisit(random, date, i));
  }
  return visits;
}

function makeVisit(random: () => number, date: PlainDate, index: number): Visit {
  const [source, channel, referrer] = pick(random, SOURCES);
  const [device, os, browser] = pick(random, DEVICES);
  const isBounce = random() < 0.42;
  const pageCount = isBounce ? 1 : 2 + Math.floor(random() * random() * 7);
  const pages = Array.from({ length: pageCount }, () => pick(random, PAGES));
  const isCampaign = source === 'Newsletter' || random() < 0.06;
  const visitNumber = random() < 0.62 ? 1 : 2 + Math.floor(random() * random() * 12);
  const engaged = Math.round(isBounce ? random() * 25 : 20 + random() * 50 * pageCount);
  return {
    date,
    hour: pick(random, HOURS),
    // About one visitor in eight comes twice on a day.
    visitor: Number(date.replaceAll('-', '')) * 10_000 + Math.floor(index * 0.88),
    pages,
    events: !isBounce && random() < 0.08 ? ['Signup'] : random() < 0.1 ? ['Outbound link'] : [],
    duration: isBounce ? 0 : Math.round(engaged * (1.1 + random())),
    engaged,
    scroll: Math.round(30 + random() * 70),
    source,
    channel,
    referrer,
    utm_source: isCampaign ? (source || 'qr').toLowerCase() : '',
    utm_medium: isCampaign ? (source === 'Newsletter' ? 'email' : 'cpc') : '',
    utm_campaign: isCampaign
      ? source === 'Newsletter'
        ? 'autumn-letter'
        : pick(random, [
            ['esim-launch', 3],
            ['brand', 1],
          ])
      : '',
    utm_term: '',
    utm_content: isCampaign && random() < 0.5 ? 'header-button' : '',
    country: pick(random, COUNTRIES),
    browser,
    os,
    device,
    visitNumber,
    daysSince: visitNumber === 1 ? null : Math.floor(random() * random() * 40),
  };
}
