// Site objects on the dashboard: goals, with conversions and revenue per source, and annotations on
// the chart.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { settled, startCollector } from './collector.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SITE = '\n[[site]]\nid = "shop"\nhostnames = ["shop.test"]\ntimezone = "Asia/Tokyo"\n';
const OWNER = { name: 'ada', password: 'correct horse battery staple' };
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
/**
 * Visitors with their source and actions: three from Google, two of them order and one signs up;
 * two direct ones, one of them signs up.
 */
const PEOPLE = [
  { from: 'https://www.google.com/', does: [['Order', 1_000]] },
  { from: 'https://www.google.com/', does: [['Order', 2_500], ['Signup']] },
  { from: 'https://www.google.com/', does: [] },
  { from: undefined, does: [['Signup']] },
  { from: undefined, does: [] },
];
const GOALS = [
  { name: 'Paid', currency: 'JPY', achieved_by: { kind: 'event', name: 'Order', props: {} } },
  { name: 'Signed up', achieved_by: { kind: 'event', name: 'Signup', props: {} } },
];

let collector;
let browser;
before(async () => {
  collector = await startCollector(SITE, { people: [OWNER] });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  let key = 0;
  for (const [number, { from, does }] of PEOPLE.entries()) {
    let cookie = '';
    const send = async (body) => {
      const answer = await fetch(collector.beacons, {
        method: 'POST',
        body: JSON.stringify({ d: 'shop', c: 1, u: 'https://shop.test/', k: `k${key++}`, ...body }),
        headers: {
          'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:14${number}.0) Gecko/20100101 Firefox/14${number}.0`,
          'content-type': 'text/plain',
          ...(cookie ? { cookie } : {}),
        },
      });
      assert.equal(answer.status, 202);
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    };
    await send({ n: 'pageview', ...(from ? { r: from } : {}) });
    for (const [n, amount] of does) await send({ n, ...(amount ? { $: { amount, currency: 'JPY' } } : {}) });
  }
  assert.equal(await settled(() => collector.sql('SELECT count() FROM events'), (count) => count === '9'), '9');
});
after(async () => {
  await browser?.close();
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
});

const ready = (page) => page.waitForFunction(
  () => document.querySelector('[aria-busy="true"], .skeleton, .is-stale') === null && document.querySelector('#app')?.childElementCount > 0,
);
async function logIn(page) {
  await page.goto(collector.dashboard);
  await page.locator('input[name=name]').fill(OWNER.name);
  await page.locator('input[name=password]').fill(OWNER.password);
  await page.locator('button[type=submit], form button').first().click();
  await page.waitForURL(collector.dashboard);
}
/** The texts of a list's cells, by the name of the row. */
const table = (page, id) => page.getByTestId(id).locator('tbody tr').evaluateAll((rows) =>
  Object.fromEntries(rows.map((row) => [row.dataset.name, [...row.cells].slice(1).map((cell) => cell.textContent)])));
const heads = (page, id) => page.getByTestId(id).locator('thead th').allTextContents();

test('goals show rate and revenue, after a click in every list too', async () => {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  await logIn(page);
  await ready(page);
  assert.equal(await page.getByTestId('panel-goals').count(), 0, 'no goals exist yet');
  const made = await page.evaluate(async (goals) => {
    const { csrf } = await (await fetch('/api/me')).json();
    const add = (goal) => fetch('/api/sites/shop/goals', { method: 'POST', headers: { 'x-sillage-csrf': csrf }, body: JSON.stringify(goal) });
    return (await Promise.all(goals.map(add))).map((answer) => answer.status);
  }, GOALS);
  assert.deepEqual(made, [201, 201]);

  await page.goto(`${collector.dashboard}?site=shop&period=today&compare=off`);
  await ready(page);
  assert.deepEqual(await heads(page, 'panel-goals'), ['Goal', 'Visitors', 'Events', 'Rate', 'Revenue']);
  assert.deepEqual(await table(page, 'panel-goals'), {
    Paid: ['2', '2', '40%', 'JP¥3,500'],
    'Signed up': ['2', '2', '40%', '–'],
  });

  await page.getByTestId('panel-goals').getByRole('button', { name: 'Paid' }).click();
  await ready(page);
  assert.equal(new URL(page.url()).searchParams.get('f'), 'goal~is~Paid');
  assert.equal(await page.getByTestId('chip').textContent(), 'Goal is Paid');
  assert.deepEqual(await heads(page, 'panel-sources'), ['Source', 'Visitors', 'Rate', 'Revenue']);
  assert.deepEqual(await table(page, 'panel-sources'), { Google: ['2', '66.7%', 'JP¥3,500'] });
  assert.deepEqual(Object.values(await table(page, 'panel-pages')), [['2', '40%', 'JP¥3,500']]);
  // Also in full lists, and in the other lists of the panels.
  for (const tabs of ['sources=channel&pages=entry_page&browsers=device', 'sources=referrer&pages=exit_page&browsers=os&countries=language', 'pages=name&browsers=screen', 'detail=source', 'detail=country']) {
    await page.goto(`${collector.dashboard}?site=shop&period=today&f=goal~is~Paid&${tabs}`);
    await ready(page);
    assert.equal(await page.locator('[role=alert]').count(), 0, tabs);
    assert.equal(await page.getByText('This server does not measure that yet.').count(), 0, tabs);
  }
  await page.goto(`${collector.dashboard}?site=shop&period=today&f=goal~is~Signed%20up`);
  await ready(page);
  assert.deepEqual(await heads(page, 'panel-browsers').then((all) => all.filter((one) => one !== 'Change')), ['Browser', 'Visitors', 'Rate'], 'no amounts for a goal without a currency');

  await page.evaluate(AXE);
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    const found = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }));
    assert.deepEqual(found.violations.map(({ id }) => id), [], scheme);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test('a note is on the chart and in its table, but not in a shared link', async () => {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await logIn(page);
  const today = new Intl.DateTimeFormat('sv', { timeZone: 'Asia/Tokyo' }).format();
  const path = await page.evaluate(async (day) => {
    const { csrf } = await (await fetch('/api/me')).json();
    const send = async (to, body) => (await fetch(to, { method: 'POST', headers: { 'x-sillage-csrf': csrf }, body: JSON.stringify(body) })).json();
    await send('/api/sites/shop/annotations', { at: `${day}T10:00`, text: 'New <b>price</b> list' });
    await send('/api/sites/shop/annotations', { at: '2020-01-01', text: 'Long ago' });
    return (await send('/api/sites/shop/links', { name: 'agency' })).path;
  }, today);
  await page.goto(`${collector.dashboard}?site=shop&period=7d&compare=off`);
  await ready(page);
  const notes = page.getByTestId('notes').locator('li');
  assert.match((await notes.allTextContents()).join('|'), /^\d+ \w+ \d{4} New <b>price<\/b> list$/);
  assert.equal(await page.locator('.chart-note').count(), 1);
  await page.getByRole('slider').focus();
  await page.keyboard.press('End');
  assert.match(await page.getByRole('slider').getAttribute('aria-valuetext'), /Notes: New <b>price<\/b> list$/);
  assert.equal(await page.locator('.chart-tooltip-note').textContent(), 'New <b>price</b> list');
  await page.goto(`${collector.dashboard}?site=shop&period=7d&chart=table`);
  await ready(page);
  assert.equal(await page.locator('.row-note').textContent(), 'New <b>price</b> list');
  assert.match(await page.locator('tr:has(.row-note) th').textContent(), new RegExp(`${Number(today.slice(8))} `));
  await page.getByTestId('more').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /CSV/ }).click()]);
  const file = readFileSync(await download.path(), 'utf8');
  assert.match(file.split('\r\n')[0], /,Notes$/);
  assert.match(file, new RegExp(`^${today}[^\r]*,New <b>price</b> list\r$`, 'm'));

  const stranger = await browser.newContext({ locale: 'en-GB' });
  const shared = await stranger.newPage();
  await shared.goto(new URL(path, collector.dashboard).href);
  await ready(shared);
  assert.equal((await shared.content()).includes('price'), false);
  await stranger.close();
  await context.close();
});
