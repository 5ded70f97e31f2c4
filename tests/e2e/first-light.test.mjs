// A visit in a real browser: first refused, then with a yes and three pages. The dashboard shows
// exactly these pages.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { settled, startCollector } from './collector.mjs';

const SITE = `
[[site]]
id = "demo"
hostnames = ["127.0.0.1"]
timezone = "Asia/Tokyo"
`;

// Like a person's browser: neither the agent nor `navigator.webdriver` shows automation.
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-blink-features=AutomationControlled',
];

let collector;
let browser;
before(async () => {
  collector = await startCollector(SITE);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
});
after(async () => {
  await browser?.close();
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
});

/** Opens a page and collects every error of the page and the browser. */
async function open(context, url) {
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) faults.push(`third party: ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

const number = async (page, name) => Number(await page.getByTestId(`metric-${name}`).getAttribute('data-value'));

test('a no stores nothing; a yes shows on the dashboard within ten seconds', async () => {
  const context = await browser.newContext({ userAgent: AGENT, locale: 'en' });
  const { page, faults } = await open(context, collector.page);

  // Refuse, then open another page: no event is stored.
  await page.getByRole('button', { name: 'No, don’t' }).click();
  await page.getByRole('navigation').getByRole('link', { name: 'Beans' }).click();
  await page.waitForURL('**/beans');
  await page.waitForTimeout(1_500);
  assert.equal(await collector.sql('SELECT count() FROM events'), '0', 'a refused visit stores no event');
  assert.deepEqual(await context.cookies(), [], 'a refused visit sets no cookie');

  // Change the choice to yes, then read three pages.
  await page.getByRole('button', { name: 'Change my choice' }).click();
  await page.getByRole('button', { name: 'Yes, count me' }).click();
  await settled(() => collector.sql("SELECT count() FROM events WHERE name = 'pageview'"), (count) => count === '1');
  const begun = Date.now();
  for (const [name, path] of [['Brewing', 'brewing'], ['Visit us', 'visit']]) {
    await page.getByRole('navigation').getByRole('link', { name }).click();
    await page.waitForURL(`**/${path}`);
    await page.waitForTimeout(300);
  }

  // Open the dashboard in the same browser.
  const { page: dashboard, faults: dashboardFaults } = await open(context, `${collector.dashboard}?site=demo`);
  await settled(() => number(dashboard, 'pageviews'), (views) => views === 3);
  const seconds = (Date.now() - begun) / 1_000;
  assert.deepEqual(
    [await number(dashboard, 'visitors'), await number(dashboard, 'visits'), await number(dashboard, 'pageviews')],
    [1, 1, 3],
  );
  assert.ok(seconds < 10, `it took ${seconds} s`);
  console.log(`a page was on the dashboard after ${seconds.toFixed(1)} s`);

  const rows = async (panel) =>
    (await dashboard.getByTestId(`panel-${panel}`).locator('[data-name]').evaluateAll((all) => all.map((row) => [row.dataset.name, row.dataset.value]))).sort();
  // The questions of a batch run one after another. A row that arrived in between is in the next
  // answer.
  await settled(() => rows('pages'), (pages) => pages.length === 3);
  assert.deepEqual(await rows('pages'), [['/demo/beans', '1'], ['/demo/brewing', '1'], ['/demo/visit', '1']]);
  assert.deepEqual((await rows('browsers')).map(([, value]) => value), ['1']);

  // SQL counts the same numbers.
  assert.equal(
    await collector.sql("SELECT uniqExact(visitor), uniqExact(visit), countIf(name = 'pageview') FROM events"),
    '1\t1\t3',
  );
  assert.equal(
    await collector.sql("SELECT path, seq, previous_path FROM events WHERE name = 'pageview' ORDER BY seq"),
    '/demo/beans\t1\t\n/demo/brewing\t2\t/demo/beans\n/demo/visit\t3\t/demo/brewing',
  );
  const cookies = await context.cookies(collector.page.replace('/demo/', '/api/event'));
  assert.deepEqual(cookies.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path })), [{ httpOnly: true, sameSite: 'Lax', path: '/api/event' }]);
  assert.deepEqual(faults, [], 'no error on the page');
  assert.deepEqual(dashboardFaults, [], 'no error on the dashboard');
  await context.close();
});

test('a browser with Global Privacy Control is never stored', async () => {
  const before = await collector.sql("SELECT countIf(name = 'pageview') FROM events");
  const context = await browser.newContext({ userAgent: AGENT, extraHTTPHeaders: { 'Sec-GPC': '1' } });
  const { page } = await open(context, collector.page);
  const answered = page.waitForResponse('**/api/event');
  await page.getByRole('button', { name: 'Yes, count me' }).click();
  assert.equal((await answered).status(), 202, 'the beacon gets the usual response');
  await page.waitForTimeout(1_500);
  assert.equal(await collector.sql("SELECT countIf(name = 'pageview') FROM events"), before);
  await settled(() => collector.sql("SELECT sum(beacons) FROM outcomes WHERE outcome = 'gpc'"), (count) => count !== '0');
  assert.notEqual(await collector.sql("SELECT sum(beacons) FROM outcomes WHERE outcome = 'gpc'"), '0');
  await context.close();
});
