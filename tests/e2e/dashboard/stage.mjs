// The real collector with the golden site, a browser, and helpers of the tests.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { settled as waitFor, startCollector } from '../collector.mjs';
import { goldenSite, LIVE, logOf } from './golden.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const COUNTRIES = fileURLToPath(new URL('../../../vendor/country.mmdb', import.meta.url));
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Hostile names for every field that a stranger can set. */
export const HOSTILE = {
  page: '/<script>window.broken=1</script>',
  referrer: 'https://xn--e1awd7f.example/"><img src=x onerror=window.broken=1>',
  source: '=HYPERLINK("https://evil.example","click")',
  campaign: '<img src=x onerror=window.broken=1>',
  event: '+cmd|calc "<b>x</b>"',
};

export async function setStage() {
  const now = new Date();
  const golden = goldenSite(now);
  const sites = ['shop', 'one', 'empty', 'refused', 'hostile', 'growing', 'lively']
    .map((id) => `[[site]]\nid = "${id}"\nhostnames = ["${id}.test"]\ntimezone = "${golden.zone.name}"\n`)
    .join('\n');
  const collector = await startCollector(`[geo]\ndatabase = "${COUNTRIES}"\n${sites}`, {
    top: 'trusted_proxies = ["127.0.0.1"]',
    logs: { shop: logOf(golden) },
  });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

  /**
   * Sends a beacon as the tracker does. `person` selects the address and the browser. Returns the
   * cookie, if one was set.
   */
  async function beacon(site, body, { person = 'ann', cookie = '', headers = {} } = {}) {
    const { ip, agent } = golden.people[person];
    const answer = await fetch(collector.beacons, {
      method: 'POST',
      body: JSON.stringify({ n: 'pageview', d: site, c: 1, cv: '1', ...body }),
      headers: { 'user-agent': agent, 'x-forwarded-for': ip, 'content-type': 'text/plain', ...(cookie ? { cookie } : {}), ...headers },
    });
    assert.equal(answer.status, 202, await answer.text());
    return answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
  }

  async function seed() {
    const url = `https://shop.test${LIVE.pages[0]}`;
    const by = { person: LIVE.person };
    const cookie = await beacon('shop', { u: url, r: golden.from[LIVE.from].referrer, k: 'live-1', w: 1_440 }, by);
    await beacon('shop', { n: LIVE.event, u: url, k: 'live-2', w: 1_440 }, { ...by, cookie });
    await beacon('shop', { n: 'engagement', u: url, k: 'live-1', w: 1_440, e: LIVE.engagedMs, sd: LIVE.scrolled }, { ...by, cookie });
    await beacon('one', { u: 'https://one.test/', k: 'one-1' });
    for (let i = 0; i < 3; i++) await beacon('refused', { u: 'https://refused.test/', k: `no-${i}`, c: 0 });
    const campaign = new URLSearchParams({ utm_source: HOSTILE.source, utm_campaign: HOSTILE.campaign, utm_medium: 'email' });
    await beacon('hostile', { u: `https://hostile.test${HOSTILE.page}?${campaign}`, k: 'evil-1' });
    await beacon('hostile', { u: 'https://hostile.test/', r: HOSTILE.referrer, k: 'evil-2' }, { person: 'ben' });
    await beacon('hostile', { n: HOSTILE.event, u: 'https://hostile.test/', k: 'evil-3' }, { person: 'ben' });
    const views = golden.visits.reduce((sum, visit) => sum + visit.pages.length, 0);
    const count = "SELECT countIf(site = 'shop' AND name = 'pageview'), countIf(site = 'shop' AND name != 'pageview'), countIf(site = 'hostile') FROM events";
    const want = `${views}\t2\t3`;
    assert.equal(await waitFor(() => collector.sql(count), (counts) => counts === want), want, 'the whole golden site is stored');
    const kept = "SELECT countDistinct(outcome) FROM outcomes WHERE site = 'refused'";
    assert.equal(await waitFor(() => collector.sql(kept), (counts) => counts === '1'), '1');
  }

  async function open(address, look = {}) {
    const context = await browser.newContext({
      viewport: { width: look.width ?? 1280, height: look.height ?? 900 },
      colorScheme: look.scheme ?? 'light',
      locale: look.locale ?? 'en-GB',
      // Far from the site's time zone, so that a mix-up of the two fails a test.
      timezoneId: 'Pacific/Kiritimati',
      reducedMotion: look.reducedMotion ?? 'reduce',
      javaScriptEnabled: look.javaScriptEnabled ?? true,
      ...(look.forcedColors ? { forcedColors: look.forcedColors } : {}),
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const faults = [];
    const requests = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text());
    });
    page.on('request', (request) => requests.push(request));
    if (look.prepare) await look.prepare(page);
    await page.goto(new URL(address, collector.dashboard).href);
    return { page, context, faults, requests };
  }

  return {
    collector, golden, browser, beacon, seed, open,
    /** Sends a query to the API. */
    async api(query) {
      const answer = await fetch(new URL('/api/v2/query', collector.dashboard), {
        method: 'POST',
        body: JSON.stringify({ site_id: 'shop', date_range: [golden.dayBefore(27), golden.today], ...query }),
      });
      const body = await answer.json();
      assert.equal(answer.status, 200, JSON.stringify(body));
      return body;
    },
    async tidy() {
      // A poll of the page may still be in a route handler of a test, and its answer no longer
      // matters.
      const pages = browser.contexts().flatMap((context) => context.pages());
      await Promise.all(pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async close() {
      await browser.close();
      assert.equal(await collector.stop(), 0, 'the collector stops cleanly');
    },
  };
}

/** Waits until all numbers on the page belong to the current address. */
export const settled = (page) =>
  page.waitForFunction(
    () => document.querySelector('[aria-busy="true"], .skeleton, .is-stale') === null && document.querySelector('#app')?.childElementCount > 0,
  );

/**
 * Goes to another address without loading a new page, as Back and Forward do. The page only asks
 * for numbers that it does not have yet.
 */
export async function go(page, address) {
  await page.evaluate((next) => {
    history.pushState(null, '', next);
    dispatchEvent(new PopStateEvent('popstate'));
  }, address);
  await settled(page);
}

export const number = async (page, name) => {
  const text = await page.getByTestId(`metric-${name}`).getAttribute('data-value');
  return text === null ? null : Number(text);
};

export const totals = async (page) =>
  Object.fromEntries(await Promise.all(
    ['visitors', 'visits', 'pageviews', 'views_per_visit', 'bounce_rate'].map(async (name) => [name, await number(page, name)]),
  ));

export const rows = (page, id) =>
  page.getByTestId(id).locator('tbody tr').evaluateAll((list) => list.map((row) => [row.dataset.name, Number(row.dataset.value)]));

/**
 * The findings of axe-core. The debugger evaluates it, so the page's content security policy stays
 * strict.
 */
export async function findings(page, rules = null) {
  await page.evaluate(AXE);
  const runOnly = rules ? { type: 'rule', values: rules } : AXE_TAGS;
  const found = await page.evaluate((only) => window.axe.run(document, { runOnly: only, resultTypes: ['violations'] }).then((result) => result.violations), runOnly);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join(' | ')}`);
}

export const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
