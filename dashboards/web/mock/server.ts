/**
 * A mock of the collector for development and tests, with its routes, headers and formats. Every
 * state of the page has a site here (`empty.example`, `broken.example`, …).
 */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { Boot, Query, Site } from '../src/api/types.ts';
import { addDays, wallClock } from '../src/state/date.ts';
import { type Abilities, answer, QueryError } from './answer.ts';
import { createMockControl } from './control.ts';
import { makeVisits, type Visit } from './visits.ts';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'";

export const SITES: Site[] = [
  { id: 'example.com', timezone: 'Asia/Tokyo', profile: 'consent' },
  { id: 'empty.example', timezone: 'Europe/Berlin', profile: 'consent' },
  { id: 'one.example', timezone: 'UTC', profile: 'exempt' },
  { id: 'large.example', timezone: 'America/New_York', profile: 'consent' },
  { id: 'hostile.example', timezone: 'UTC', profile: 'consent' },
  { id: 'broken.example', timezone: 'UTC', profile: 'consent' },
  { id: 'partly.example', timezone: 'UTC', profile: 'consent' },
  { id: 'slow.example', timezone: 'UTC', profile: 'consent' },
  { id: 'expired.example', timezone: 'UTC', profile: 'consent' },
];

/** Names that an attacker can put on the page by sending a beacon. */
export const HOSTILE = [
  '/<script>window.broken=1</script>',
  '/"><img src=x onerror="window.broken=1">',
  '/{{constructor.constructor("window.broken=1")()}}',
  '=HYPERLINK("https://evil.example","click")',
  "@SUM(1+1)*cmd|' /C calc'!A0",
  `/${'long-'.repeat(60)}`,
  '/\u202Egnp.exe',
];

export type Mock = {
  url: string;
  requests: string[];
  close: () => Promise<void>;
  add: (site: string, visit: Partial<Visit>) => void;
  /** Makes `broken.example` answer. */
  repair: () => void;
};

export type MockOptions = {
  dist?: string;
  port?: number;
  now?: () => Date;
  can?: Abilities;
  /** A real collector to forward API requests to: the built page over its numbers. */
  upstream?: string;
};

export async function startMock(options: MockOptions = {}): Promise<Mock> {
  const now = options.now ?? (() => new Date());
  const { upstream } = options;
  const can = options.can ?? { hasEngagement: true, hasReturning: true };
  const dist = options.dist ?? 'dist';
  const requests: string[] = [];
  const visits = new Map<string, Visit[]>();
  const isBroken = { value: true };
  const answered = new Map<string, unknown>();
  const control = createMockControl();

  function visitsOf(site: Site): Visit[] {
    const known = visits.get(site.id);
    if (known) return known;
    const clock = wallClock(now(), site.timezone);
    const all = makeVisits({ from: addDays(clock.date, -430), to: clock.date, seed: 7, perDay: 300 }).filter(
      (visit) => visit.date < clock.date || visit.hour <= clock.hour,
    );
    const made = madeFor(site, all);
    visits.set(site.id, made);
    return made;
  }

  const respond = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(body));
  };

  async function one(query: Query): Promise<{ status: number; body: unknown }> {
    const site = SITES.find((s) => s.id === query.site_id);
    if (!site) return { status: 401, body: { error: 'unknown site' } };
    if (site.id === 'partly.example' && query.dimensions?.[0] === 'visit:source') {
      return { status: 500, body: { error: 'the query ran out of memory' } };
    }
    if (query.metrics[0] === 'clicks') return { status: 200, body: clicks(query) };
    try {
      const today = wallClock(now(), site.timezone).date;
      const scale = site.id === 'large.example' ? 1200 : 1;
      const visits = visitsOf(site);
      // Cached: computing answers is the slow part of a test run.
      const key = `${today} ${visits.length} ${JSON.stringify(query)}`;
      const body = answered.get(key) ?? answer({ query, visits, today, scale, can });
      answered.set(key, body);
      return { status: 200, body };
    } catch (error) {
      if (error instanceof QueryError) return { status: 400, body: { error: error.message } };
      throw error;
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock');
    requests.push(`${request.method} ${url.pathname}`);
    if (upstream && url.pathname.startsWith('/api/'))
      return forward(request, response, upstream + request.url);
    if (url.pathname === '/api/sites') return respond(response, 200, boot());
    if (url.pathname === '/api/live')
      return respond(response, 200, { visitors: url.searchParams.get('site') === 'empty.example' ? 0 : 23 });
    if (/^\/api\/sites\/[^/]+\/snippet$/.test(url.pathname)) {
      const site = decodeURIComponent(url.pathname.split('/')[3] ?? '');
      const origin = url.searchParams.get('origin') ?? '';
      return respond(response, 200, {
        snippet: `<script defer src="${origin}/s.js" data-site="${site}" data-consent="wait" data-policy="1"></script>`,
      });
    }
    if (url.pathname === '/api/quality') {
      const isEmpty = url.searchParams.get('site') === 'empty.example';
      return respond(
        response,
        200,
        isEmpty
          ? { accepted: 0, dropped: { no_consent: 3 } }
          : { accepted: 24_102, dropped: { no_consent: 3120, refused: 904, bot: 1460, gpc: 804 } },
      );
    }
    if (url.pathname === '/api/v2/batch' || url.pathname === '/api/v2/query') {
      const body = JSON.parse(await read(request)) as Query & { queries?: Query[] };
      const queries = body.queries ?? [body];
      const site = queries[0]?.site_id;
      if (site === 'broken.example' && isBroken.value)
        return respond(response, 503, { error: 'the engine is starting' });
      if (site === 'expired.example') return respond(response, 401, { error: 'signed out' });
      if (site === 'slow.example') await new Promise((done) => setTimeout(done, 3000));
      const results = await Promise.all(queries.map(one));
      if (body.queries) return respond(response, 200, { results });
      return respond(response, results[0]?.status ?? 500, results[0]?.body);
    }
    if (url.pathname.startsWith('/api/')) {
      const reply = await control(request, url, await read(request));
      if (reply) return respond(response, reply.status, reply.body);
    }
    return serveFile(url.pathname, response);
  }

  const boot = (): Boot => ({ sites: SITES, demo: true, version: '0.1.0' });

  function serveFile(path: string, response: ServerResponse): void {
    const isPage = !path.startsWith('/assets/');
    const file = join(dist, isPage ? 'index.html' : normalize(path));
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const headers = { 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' };
    if (isPage) {
      const json = JSON.stringify(boot()).replaceAll('<', '\\u003c');
      // With a real collector the page asks for the sites.
      const page = readFileSync(file, 'utf8');
      const html = upstream
        ? page
        : page.replace('<!--boot-->', () => `<script type="application/json" id="boot">${json}</script>`);
      response.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    const types: Record<string, string> = {
      '.js': 'text/javascript',
      '.css': 'text/css',
      '.svg': 'image/svg+xml',
      '.json': 'application/json',
    };
    response.writeHead(200, {
      ...headers,
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    response.end(readFileSync(`${file}.br`));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      respond(response, 500, { error: String(error) });
    });
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
    repair() {
      isBroken.value = false;
    },
    add(id, visit) {
      const site = SITES.find((s) => s.id === id);
      if (!site) throw new Error(`no site ${id}`);
      const clock = wallClock(now(), site.timezone);
      visitsOf(site).push({ ...plainVisit(clock.date, clock.hour), ...visit });
    },
  };
}

function madeFor(site: Site, all: Visit[]): Visit[] {
  switch (site.id) {
    case 'empty.example':
      return [];
    case 'one.example':
      return all
        .slice(-1)
        .map((visit) => ({ ...visit, pages: ['/'], events: [], duration: 0, visitNumber: 1 }));
    case 'hostile.example':
      return all.slice(-400).map((visit, i) => {
        const name = HOSTILE[i % HOSTILE.length] ?? '/';
        return {
          ...visit,
          pages: [name],
          source: name,
          referrer: name,
          browser: name,
          country: 'XX',
          utm_campaign: name,
        };
      });
    default:
      return all;
  }
}

const plainVisit = (date: string, hour: number): Visit => ({
  date,
  hour,
  visitor: Math.floor(Math.random() * 1e9),
  pages: ['/'],
  events: [],
  duration: 0,
  engaged: 5,
  scroll: 50,
  source: '',
  channel: 'Direct',
  referrer: '',
  utm_source: '',
  utm_medium: '',
  utm_campaign: '',
  utm_term: '',
  utm_content: '',
  country: 'JP',
  browser: 'Chrome',
  os: 'Windows',
  device: 'Desktop',
  visitNumber: 1,
  daysSince: null,
});

async function forward(request: IncomingMessage, response: ServerResponse, to: string): Promise<void> {
  const method = request.method ?? 'GET';
  const answer = await fetch(to, { method, ...(method === 'POST' ? { body: await read(request) } : {}) });
  response.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(await answer.text());
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** Clicks on a menu, on a large button and elsewhere. */
function clicks(query: Query): unknown {
  const cells: [number, number][] = [
    [4, 31],
    [6, 22],
    [8, 44],
    [18, 12],
    [7 * 20 + 3, 160],
    [7 * 20 + 4, 141],
    [12 * 20 + 10, 9],
    [16 * 20 + 9, 3],
    [22 * 20 + 12, 28],
  ];
  const results = cells.map(([cell, count]) => ({ dimensions: [String(cell)], metrics: [count] }));
  return { results, meta: {}, query: { date_range: query.date_range } };
}
