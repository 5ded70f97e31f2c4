// A shared link in a real browser: an owner creates it, and a stranger who opens it sees the
// filtered report and nothing else.
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
const OWNER = { name: 'ada', password: 'correct horse battery staple' };
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

let collector;
let browser;
before(async () => {
  collector = await startCollector(SITE, { days: 14, people: [OWNER] });
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  const waiting = async () => /^sillage_spool_segments (\d+)$/m.exec(await (await fetch(`${collector.dashboard}metrics`)).text())?.[1];
  assert.equal(await settled(waiting, (count) => count === '0'), '0');
});
after(async () => {
  await browser?.close();
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
});

/** Logs in with the form and returns the logged-in page. */
async function logIn(context) {
  const page = await context.newPage();
  await page.goto(collector.dashboard);
  await page.waitForURL('**/login');
  await page.locator('input[name=name]').fill(OWNER.name);
  await page.locator('input[name=password]').fill(OWNER.password);
  await page.locator('button[type=submit], form button').first().click();
  await page.waitForURL(collector.dashboard);
  return page;
}

test('an owner shares a filtered link, and a stranger sees nothing else', async () => {
  const mine = await browser.newContext({ locale: 'en' });
  const page = await logIn(mine);
  const number = (of, name) => of.getByTestId(`metric-${name}`).getAttribute('data-value');
  await settled(() => number(page, 'visits').catch(() => null), (value) => Number(value) > 0);
  const all = Number(await number(page, 'visits'));
  const made = await page.evaluate(async () => {
    const { csrf } = await (await fetch('/api/me')).json();
    const answer = await fetch('/api/sites/demo/links', {
      method: 'POST',
      headers: { 'x-sillage-csrf': csrf },
      body: JSON.stringify({ name: 'agency', filters: [['is', 'visit:source', ['Google']]] }),
    });
    return { status: answer.status, ...(await answer.json()) };
  });
  assert.equal(made.status, 200);

  const stranger = await browser.newContext({ locale: 'en' });
  const shared = await stranger.newPage();
  const asked = [];
  const refused = [];
  const batches = [];
  shared.on('request', (request) => asked.push(new URL(request.url()).pathname));
  shared.on('response', (response) => response.status() >= 400 && refused.push(`${response.status()} ${response.url()}`));
  shared.on('response', (response) => response.url().endsWith('/api/v2/batch') && batches.push(response.json()));
  await shared.goto(new URL(made.path, collector.dashboard).href);
  await settled(() => number(shared, 'visits').catch(() => null), (value) => Number(value) > 0);
  const some = Number(await number(shared, 'visits'));
  // A link's numbers of today are released hour by hour; the answer says how far they reach.
  const metas = (await Promise.all(batches)).flatMap((batch) => batch.results.map((result) => result.body.meta));
  const until = metas.map((meta) => meta?.numbers_until).find(Boolean) ?? new Date().toISOString();
  const google = Number(
    await collector.sql(
      `SELECT uniqExact(visit) FROM events WHERE source = 'Google' AND seq = 1 AND name != 'engagement' AND time < parseDateTimeBestEffort('${until}')`,
    ),
  );
  assert.equal(some, google);
  assert.ok(some < all, `${some} of ${all}`);
  const sources = await shared.getByTestId('panel-sources').locator('[data-name]').evaluateAll((rows) => rows.map((row) => row.dataset.name));
  assert.deepEqual(sources, ['Google']);
  assert.ok(asked.every((path) => !path.startsWith('/api/') || path === '/api/v2/batch'), asked.join(' '));
  assert.deepEqual(refused, []);
  assert.deepEqual(await stranger.cookies(), [], 'a link sets no cookie');

  // Without the link's secret the API is closed, and a revoked link ends at once.
  const outside = await shared.evaluate(async () => (await fetch('/api/sites')).url);
  assert.match(outside, /\/(login|api\/sites)$/);
  const revoked = await page.evaluate(async (id) => {
    const { csrf } = await (await fetch('/api/me')).json();
    return (await fetch(`/api/sites/demo/links/${id}`, { method: 'DELETE', headers: { 'x-sillage-csrf': csrf } })).status;
  }, made.id);
  assert.equal(revoked, 200);
  assert.equal((await shared.goto(new URL(made.path, collector.dashboard).href)).status(), 410);
  await mine.close();
  await stranger.close();
});
