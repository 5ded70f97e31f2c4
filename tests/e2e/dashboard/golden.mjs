// The golden site: its visits, day by day, and the numbers that follow, computed without the
// collector.
//
// This file lists every visit. `logOf` writes past visits as an access log for
// `sillage demo --log`, and the model below counts the same visits in the slow and obvious way, so
// that no number on the page is compared with itself.

/**
 * A time zone without summer time where it is daytime now, so that no test runs past the site's
 * midnight.
 */
export function zoneFor(now) {
  const tokyo = (now.getUTCHours() + 9) % 24;
  return tokyo >= 6 && tokyo <= 20 ? { name: 'Asia/Tokyo', hours: 9 } : { name: 'America/Bogota', hours: -5 };
}

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';
const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36';
const LINUX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0';

/**
 * Addresses are in networks of large providers. The country is that of the country database.
 */
const PEOPLE = {
  ann: { ip: '133.200.10.7', country: 'JP', agent: WINDOWS, browser: 'Chrome', device: 'desktop' },
  ben: { ip: '84.140.3.9', country: 'DE', agent: IPHONE, browser: 'Safari', device: 'mobile' },
  cho: { ip: '133.200.77.1', country: 'JP', agent: ANDROID, browser: 'Chrome', device: 'mobile' },
  dan: { ip: '73.162.5.5', country: 'US', agent: WINDOWS, browser: 'Chrome', device: 'desktop' },
  eva: { ip: '86.140.9.2', country: 'GB', agent: LINUX, browser: 'Firefox', device: 'desktop' },
  fay: { ip: '90.20.4.4', country: 'FR', agent: IPHONE, browser: 'Safari', device: 'mobile' },
  gus: { ip: '84.140.60.2', country: 'DE', agent: LINUX, browser: 'Firefox', device: 'desktop' },
  hal: { ip: '133.200.99.9', country: 'JP', agent: WINDOWS, browser: 'Chrome', device: 'desktop' },
  kim: { ip: '73.162.80.8', country: 'US', agent: IPHONE, browser: 'Safari', device: 'mobile' },
  lee: { ip: '133.200.120.3', country: 'JP', agent: ANDROID, browser: 'Chrome', device: 'mobile' },
  mia: { ip: '90.20.40.1', country: 'FR', agent: WINDOWS, browser: 'Chrome', device: 'desktop' },
};

const FROM = {
  direct: { referrer: '', query: '', source: 'Direct / None', channel: 'Direct' },
  google: { referrer: 'https://www.google.com/', query: '', source: 'Google', channel: 'Organic Search' },
  bing: { referrer: 'https://www.bing.com/', query: '', source: 'Bing', channel: 'Organic Search' },
  blog: { referrer: 'https://coffeeblog.example/best', query: '', source: 'coffeeblog.example', channel: 'Referral' },
  letter: {
    referrer: '', query: '?utm_source=newsletter&utm_medium=email&utm_campaign=autumn', source: 'newsletter', channel: 'Email', campaign: 'autumn',
  },
  ad: {
    referrer: 'https://www.google.com/', query: '?utm_source=google&utm_medium=cpc&utm_campaign=brand', source: 'Google', channel: 'Paid Search', campaign: 'brand',
  },
};

/** More pages than fit into a panel, and into one page of the full list. */
const ITEMS = Array.from({ length: 60 }, (_, index) => `/items/${String(index + 1).padStart(2, '0')}`);

/**
 * [days ago, person, source, pages]. The visit begins at 10:00 of the site's day, with 30 s from
 * page to page.
 */
const PAST = [
  [55, 'ann', 'google', ['/']],
  [50, 'ben', 'google', ['/', '/pricing']],
  [45, 'dan', 'direct', ['/']],
  [40, 'eva', 'direct', ['/blog/hello']],
  [35, 'cho', 'letter', ['/']],
  [30, 'ann', 'google', ['/', '/pricing']],
  [27, 'ann', 'google', ['/', '/pricing', '/signup']],
  [26, 'ben', 'google', ['/']],
  [25, 'cho', 'letter', ['/', '/pricing']],
  [24, 'dan', 'blog', ['/blog/hello']],
  [23, 'eva', 'bing', ['/']],
  [22, 'fay', 'direct', ['/', '/about', '/pricing']],
  [21, 'gus', 'ad', ['/pricing']],
  [20, 'ann', 'direct', ['/pricing']],
  [19, 'hal', 'direct', ITEMS],
  [18, 'cho', 'letter', ['/']],
  [13, 'ann', 'google', ['/']],
  [11, 'cho', 'blog', ['/blog/hello', '/']],
  [10, 'dan', 'blog', ['/blog/hello', '/']],
  [8, 'hal', 'google', ['/']],
  [6, 'ben', 'bing', ['/', '/about']],
  [4, 'cho', 'letter', ['/pricing']],
  [2, 'kim', 'google', ['/']],
  [1, 'fay', 'direct', ['/']],
];
/** [minutes ago, …] today. The last one is the last line of the log. */
const TODAY = [
  [60, 'ann', 'google', ['/', '/about']],
  [0, 'lee', 'direct', ['/']],
];
/** Sent to the running collector, with an event and engagement, which an access log can't hold. */
export const LIVE = { person: 'mia', from: 'google', pages: ['/pricing'], event: 'Signup', engagedMs: 40_000, scrolled: 80 };

const PAGE_SECONDS = 30;

export function goldenSite(now) {
  const zone = zoneFor(now);
  const shifted = (at) => new Date(at.getTime() + zone.hours * 3_600_000);
  const today = shifted(now).toISOString().slice(0, 10);
  const dayBefore = (days) => new Date(Date.parse(today) - days * 86_400_000).toISOString().slice(0, 10);
  const visits = [
    ...PAST.map(([days, person, from, pages]) => {
      const at = new Date(Date.parse(`${dayBefore(days)}T10:00:00Z`) - zone.hours * 3_600_000);
      return { at, date: dayBefore(days), person, ...PEOPLE[person], ...FROM[from], pages };
    }),
    ...TODAY.map(([minutes, person, from, pages]) => {
      const at = new Date(Math.floor(now.getTime() / 1_000) * 1_000 - minutes * 60_000);
      return { at, date: today, person, ...PEOPLE[person], ...FROM[from], pages };
    }),
    { at: now, date: today, person: LIVE.person, ...PEOPLE[LIVE.person], ...FROM[LIVE.from], pages: LIVE.pages, isLive: true },
  ];
  return { zone, today, dayBefore, visits, people: PEOPLE, from: FROM };
}

/** Past visits as an access log of a web server. */
export function logOf({ visits, zone }) {
  const sign = zone.hours < 0 ? '-' : '+';
  const offset = `${sign}${String(Math.abs(zone.hours)).padStart(2, '0')}00`;
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const lines = visits.filter((visit) => !visit.isLive).flatMap((visit) =>
    visit.pages.map((path, index) => {
      const local = new Date(visit.at.getTime() + zone.hours * 3_600_000 + index * PAGE_SECONDS * 1_000);
      const [date, time] = local.toISOString().slice(0, 19).split('T');
      const [year, month, day] = date.split('-');
      const referrer = (index === 0 && visit.referrer) || '-';
      const target = index === 0 ? path + visit.query : path;
      return `${visit.ip} - - [${day}/${months[month - 1]}/${year}:${time} ${offset}] "GET ${target} HTTP/1.1" 200 1 "${referrer}" "${visit.agent}"`;
    }),
  );
  return `${lines.join('\n')}\n`;
}

/**
 * The numbers of the visits in `[from, to]` that match `filter`, a condition on visits. A person
 * counts for the first visit in these days: if that visit does not match, the person is not a
 * visitor of the filtered view, although later visits count.
 */
export function truth(golden, { from, to, filter = () => true }) {
  const inDays = golden.visits.filter((visit) => visit.date >= from && visit.date <= to);
  const chosen = inDays.filter(filter);
  const firsts = new Map(inDays.toReversed().map((visit) => [visit.person, visit]));
  const people = new Set([...firsts].filter(([, visit]) => filter(visit)).map(([person]) => person));
  const pageviews = chosen.reduce((sum, visit) => sum + visit.pages.length, 0);
  const bounces = chosen.filter((visit) => visit.pages.length === 1 && !visit.isLive).length;
  const isNew = (person) => golden.visits.find((visit) => visit.person === person).date >= from;
  return {
    visits: chosen,
    totals: {
      visitors: people.size,
      visits: chosen.length,
      pageviews,
      views_per_visit: chosen.length && Math.round((pageviews / chosen.length) * 100) / 100,
      bounce_rate: chosen.length && halfToEven((bounces / chosen.length) * 100),
    },
    newVisitors: [...people].filter(isNew).length,
    /** People by a property of their first visit in these days, so that rows add up. */
    by(property) {
      const first = new Map();
      for (const visit of chosen) if (!first.has(visit.person)) first.set(visit.person, visit[property] ?? '(not set)');
      return tally([...first.values()]);
    },
    /** Visitors of each page, counted by day. */
    byPage: () => tally([...new Set(chosen.flatMap((visit) => visit.pages.map((page) => `${visit.person}|${visit.date}|${page}`)))].map((key) => key.split('|')[2])),
    byEntry: () => tally([...new Map(chosen.toReversed().map((visit) => [visit.person, visit.pages[0]])).values()]),
    /** Visits by their number among all visits of the person. */
    byNumber: () =>
      tally(chosen.map((visit) => {
        const number = golden.visits.filter((one) => one.person === visit.person).indexOf(visit) + 1;
        return number <= 2 ? String(number) : number <= 5 ? '3-5' : number <= 10 ? '6-10' : '11+';
      })),
    /** Steps from one page to the next, by visits. */
    steps: () => tally(chosen.flatMap((visit) => [...new Set(visit.pages.slice(1).map((page, index) => `${visit.pages[index]} > ${page}`))])),
    byDay: () => tally([...new Set(chosen.map((visit) => `${visit.date}|${visit.person}`))].map((key) => key.split('|')[0])),
  };
}

/** Rounds like ClickHouse: 62.5 to 62, 63.5 to 64. */
function halfToEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

function tally(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
