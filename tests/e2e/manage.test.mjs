// Management by clicks alone: suggested goals, funnels, annotations, saved filters, e-mails,
// people, API keys, shared links; and the map of clicks on a page.
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
/** Three visitors buy, one of them after returning to the cart; two only look. */
const WAYS = [
  ['/', '/cart', '/thank-you'],
  ['/', '/cart', '/', '/cart', '/thank-you'],
  ['/', '/beans', '/cart', '/thank-you'],
  ['/', '/beans'],
  ['/beans'],
];

let collector;
let browser;
/** Cookies of the owner. Log-ins are rate-limited, and one is enough. */
let owner;
before(async () => {
  collector = await startCollector(SITE, { people: [OWNER] });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  let key = 0;
  let sent = 0;
  for (const [number, way] of WAYS.entries()) {
    let cookie = '';
    const send = async (body) => {
      const answer = await fetch(collector.beacons, {
        method: 'POST',
        body: JSON.stringify({ d: 'shop', c: 1, ...body }),
        headers: {
          'user-agent': `Mozilla/5.0 (X11; Linux x86_64; rv:14${number}.0) Gecko/20100101 Firefox/14${number}.0`,
          'content-type': 'text/plain',
          ...(cookie ? { cookie } : {}),
        },
      });
      assert.equal(answer.status, 202);
      sent += 1;
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
    };
    for (const path of way) {
      const k = `k${key++}`;
      await send({ n: 'pageview', u: `https://shop.test${path}`, k });
      // Every visitor clicks the middle of the third row on the front page; the first one also
      // clicks the corner.
      if (path === '/') await send({ n: 'engagement', u: `https://shop.test${path}`, k, e: 5_000, sd: 50, x: number === 0 ? [50, 50, 0] : [50] });
    }
    if (way.includes('/thank-you')) await send({ n: 'Order', u: 'https://shop.test/thank-you', k: `o${number}`, $: { amount: 10, currency: 'EUR' } });
  }
  assert.equal(await settled(() => collector.sql('SELECT count() FROM events'), (count) => count === String(sent)), String(sent));
});
after(async () => {
  await browser?.close();
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
});

const ready = (page) => page.waitForFunction(
  () => document.querySelector('[aria-busy="true"], .skeleton, .is-stale') === null && document.querySelector('#app')?.childElementCount > 0,
);

/** A page with a logged-in person, and the errors on it. */
async function logIn({ name = OWNER.name } = {}) {
  const isOwner = name === OWNER.name;
  const look = { locale: 'en-GB', viewport: { width: 1280, height: 900 } };
  const context = await browser.newContext({ ...look, ...(isOwner && owner ? { storageState: owner } : {}) });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text());
  });
  await page.goto(collector.dashboard);
  if (!isOwner || !owner) {
    await page.locator('input[name=name]').fill(name);
    await page.locator('input[name=password]').fill(OWNER.password);
    await page.locator('button[type=submit], form button').first().click();
    await page.waitForURL(collector.dashboard);
  }
  if (isOwner) owner = await context.storageState();
  await ready(page);
  return { page, context, faults };
}

async function open(page, section) {
  await page.goto(`${collector.dashboard}?site=shop&manage=${section}`);
  await page.getByTestId('manage').waitFor();
  await ready(page);
}
const lines = (page) => page.locator('.manage-line').evaluateAll((all) => all.map((line) => line.dataset.name));
/** Waits until the focus is inside an element of the selector. */
const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement?.closest(wanted) != null, selector);
const told = (page) => page.locator('.manage-message').textContent();

test('a goal is suggested, tried, saved, edited and removed', async () => {
  const { page, context, faults } = await logIn();
  await page.goto(`${collector.dashboard}?site=shop&period=today&compare=off`);
  await ready(page);
  await page.getByTestId('more').click();
  await page.getByRole('button', { name: /^Manage goals/ }).click();
  await page.waitForURL(/manage=goals/);
  await page.getByTestId('manage').waitFor();
  await focused(page, '#manage-section');
  await page.getByRole('button', { name: /^Order/ }).click();
  await page.getByLabel(/^Currency/).fill('eur');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('In the last 30 days, 3 visitors would have reached this goal (60%). Revenue would have been €30.').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('“Order” is saved.').waitFor();
  assert.deepEqual(await lines(page), ['Order']);

  await page.getByRole('button', { name: 'New goal' }).click();
  await focused(page, '.manage-form');
  await page.getByLabel('Name', { exact: true }).fill('Order');
  await page.getByLabel(/^Page, e\.g\./).fill('nowhere');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('pattern: a path such as /blog/** is expected').waitFor();
  await page.getByLabel(/^Page, e\.g\./).fill('/thank-you');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('that name is taken').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Thanks');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('“Thanks” is saved.').waitFor();

  // A concurrent edit of another person is shown, and overwritten only on request.
  await page.getByRole('button', { name: 'Edit “Thanks”' }).click();
  await page.evaluate(async () => {
    const { csrf } = await (await fetch('/api/me')).json();
    const { items } = await (await fetch('/api/sites/shop/goals')).json();
    const { id, version } = items.find(({ value }) => value.name === 'Thanks');
    const value = { name: 'Thanks', achieved_by: { kind: 'page', pattern: '/merci' } };
    await fetch(`/api/sites/shop/goals/${id}`, { method: 'PUT', headers: { 'x-sillage-csrf': csrf }, body: JSON.stringify({ version, value }) });
  });
  await page.getByLabel(/^Page, e\.g\./).fill('/thank-*');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('ada changed this in the meantime: page /merci.').waitFor();
  assert.equal(await page.getByLabel(/^Page, e\.g\./).inputValue(), '/thank-*', 'the typed text stays');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.manage-line', { hasText: 'page /thank-*' }).waitFor();

  await page.getByRole('button', { name: 'Back to the dashboard' }).click();
  await page.waitForURL((url) => !url.searchParams.has('manage'));
  await page.getByTestId('panel-goals').waitFor();
  await ready(page);
  assert.equal(new URL(page.url()).searchParams.get('period'), 'today');
  const rates = await page.getByTestId('panel-goals').locator('tbody tr').evaluateAll((rows) => rows.map((row) => [row.dataset.name, row.dataset.value]));
  assert.deepEqual(rates.sort(), [['Order', '3'], ['Thanks', '3']]);

  await open(page, 'goals');
  await page.getByRole('button', { name: 'Remove “Thanks”' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(await lines(page), ['Order', 'Thanks']);
  await page.getByRole('button', { name: 'Remove “Thanks”' }).click();
  await page.getByTestId('sure').click();
  await page.getByText('“Thanks” is removed.').waitFor();
  await focused(page, '#manage-section');
  assert.deepEqual(await lines(page), ['Order']);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a funnel is suggested, split, saved and found; numbers match the API', async () => {
  const { page, context, faults } = await logIn();
  await page.goto(`${collector.dashboard}?site=shop&period=today&compare=off`);
  await ready(page);
  await page.locator('.lower-place').scrollIntoViewIfNeeded();
  const panel = page.getByTestId('panel-funnel');
  await panel.getByRole('button', { name: '/ → /thank-you' }).click();
  await page.waitForURL(/funnel=/);
  const rows = () => panel.locator('tbody tr').evaluateAll((all) => all.map((row) => [row.dataset.name, row.dataset.value]));
  // Four visits began at the front page; three reached the cart, and these reached the end.
  assert.deepEqual(await settled(rows, (found) => found.length === 3), [['/', '4'], ['/cart', '3'], ['/thank-you', '3']]);
  await panel.getByLabel('Between steps').selectOption('strict');
  await panel.getByRole('button', { name: 'Show', exact: true }).click();
  await page.waitForURL(/funnel=strict/);
  assert.deepEqual(await settled(rows, (found) => found[1]?.[1] === '2'), [['/', '4'], ['/cart', '2'], ['/thank-you', '2']]);
  await panel.getByLabel('Name').fill('Checkout');
  await panel.getByRole('button', { name: 'Save for this site' }).click();
  await panel.getByText('Saved as “Checkout”.').waitFor();

  await panel.getByLabel('Split by').selectOption('browser');
  await panel.getByRole('button', { name: 'Show', exact: true }).click();
  await panel.getByRole('row', { name: /Firefox/ }).waitFor();
  await page.goBack();
  assert.deepEqual(await settled(rows, (found) => found.length === 3), [['/', '4'], ['/cart', '2'], ['/thank-you', '2']], 'after Back');

  const address = page.url();
  await page.goto(address);
  await ready(page);
  await page.locator('.lower-place, .lower').first().scrollIntoViewIfNeeded();
  assert.deepEqual(await settled(rows, (found) => found.length === 3), [['/', '4'], ['/cart', '2'], ['/thank-you', '2']], 'by its address');
  await open(page, 'funnels');
  await page.getByRole('button', { name: 'Show “Checkout”' }).click();
  await page.waitForURL((url) => url.searchParams.get('funnel')?.startsWith('strict') && !url.searchParams.has('manage'));
  assert.deepEqual(faults, []);
  await context.close();
});

test('clicks on a page are shown as a map and as a table', async () => {
  const { page, context, faults } = await logIn();
  await page.goto(`${collector.dashboard}?site=shop&period=today&compare=off&clicks=/`);
  await ready(page);
  await page.locator('.lower-place').scrollIntoViewIfNeeded();
  const panel = page.getByTestId('panel-clicks');
  await panel.locator('svg rect').first().waitFor();
  assert.equal(await panel.getAttribute('data-value'), '7');
  assert.equal(await panel.locator('svg rect').count(), 2);
  await panel.getByRole('button', { name: 'Table' }).click();
  const cells = await panel.locator('tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  assert.deepEqual(cells, [['3', '50–55 %', '6'], ['1', '0–5 %', '1']]);
  await panel.getByTestId('clicks-page').selectOption('/cart');
  await page.waitForURL(/clicks=\/cart/);
  await panel.getByText('No clicks were recorded on this page.').waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('filters saved for the site are shown to all its members', async () => {
  const { page, context } = await logIn();
  await page.goto(`${collector.dashboard}?site=shop&period=today&f=page~is~/cart`);
  await ready(page);
  await page.getByTestId('saved').click();
  await page.getByLabel('Name').fill('Cart');
  await page.getByLabel('Visible to').selectOption('site');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('select[name=for]').waitFor({ state: 'hidden' });
  await open(page, 'filters');
  assert.deepEqual(await lines(page), ['Cart']);
  await page.getByRole('button', { name: 'Show “Cart”' }).click();
  await page.waitForURL(/f=page~is~\/cart/);
  await context.close();
});

test('an invited viewer reads, saves personal filters, manages nothing', async () => {
  const { page, context, faults } = await logIn();
  await open(page, 'people');
  await page.getByRole('button', { name: 'Create invitation link' }).click();
  const link = await page.getByTestId('secret').inputValue();
  assert.match(link, /\/welcome\/[0-9a-f]{64}$/);
  const guest = await browser.newContext({ locale: 'en' });
  const welcome = await guest.newPage();
  await welcome.goto(link);
  await welcome.locator('input[name=name]').fill('bert');
  await welcome.locator('input[name=password]').fill(OWNER.password);
  await welcome.locator('form button').first().click();
  await welcome.waitForURL(/login/);
  await guest.close();
  await open(page, 'people');
  assert.deepEqual(await lines(page), ['ada', 'bert']);

  const bert = await logIn({ name: 'bert' });
  await open(bert.page, 'goals');
  assert.deepEqual(await lines(bert.page), ['Order']);
  assert.equal(await bert.page.getByRole('button', { name: /New goal|Edit|Remove/ }).count(), 0);
  const sections = await bert.page.locator('.manage-nav a').allTextContents();
  assert.deepEqual(sections, ['Goals', 'Funnels', 'Notes', 'Saved filters', 'E-mails', 'Your account']);
  await open(bert.page, 'keys');
  await bert.page.getByText('Only owners of this site can see this.').waitFor();
  await bert.context.close();

  await page.getByLabel('Role of bert').selectOption('owner');
  await page.getByLabel('Role of bert').selectOption('editor');
  const role = () => page.evaluate(async () => (await (await fetch('/api/people')).json()).people.find(({ name }) => name === 'bert').roles.shop);
  assert.equal(await role(), 'viewer', 'selecting a role does not assign it');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('“bert” is saved.').waitFor();
  assert.equal(await role(), 'editor');
  await page.getByRole('button', { name: 'New password for “bert”' }).click();
  await page.getByText('With this link, bert can set a new password').waitFor();
  await page.getByRole('button', { name: 'Remove “bert”' }).click();
  await page.getByTestId('sure').click();
  await page.getByText('“bert” is removed.').waitFor();
  assert.deepEqual(await lines(page), ['ada']);
  await page.locator('summary').click();
  await page.getByRole('row', { name: /ada.*bert/ }).first().waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test('keys and links are shown once, work, and end when revoked', async () => {
  const { page, context, faults } = await logIn();
  await open(page, 'keys');
  await page.getByLabel('New key').fill('Grafana');
  await page.getByRole('button', { name: 'Add' }).click();
  const key = await page.getByTestId('secret').inputValue();
  const ask = () => fetch(`${collector.dashboard}api/v2/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ site_id: 'shop', metrics: ['pageviews'], date_range: 'day' }),
  });
  assert.equal((await ask()).status, 200);
  await page.getByRole('button', { name: 'Remove “Grafana”' }).click();
  await page.getByTestId('sure').click();
  await page.getByText('“Grafana” is removed.').waitFor();
  assert.equal((await ask()).status, 401);

  await page.goto(`${collector.dashboard}?site=shop&manage=links&f=page~is~/cart`);
  await page.getByText('With the current filters: Page is /cart').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Agency');
  await page.getByLabel(/^Pages that may embed it/).fill('not an origin');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('to embed it, name origins').waitFor();
  await page.getByLabel(/^Pages that may embed it/).fill('https://www.example.com');
  await page.getByRole('button', { name: 'Add' }).click();
  const secrets = page.getByTestId('secret');
  await secrets.nth(1).waitFor();
  const link = await secrets.first().inputValue();
  assert.match(await secrets.nth(1).inputValue(), /^<iframe src="http[^"]+\/share\/[0-9a-f]{64}"/);
  assert.equal((await fetch(link)).status, 200);
  await page.getByRole('button', { name: 'Remove “Agency”' }).click();
  await page.getByTestId('sure').click();
  await page.getByText('“Agency” is removed.').waitFor();
  assert.equal((await fetch(link)).status, 410);
  assert.deepEqual(faults, []);
  await context.close();
});

test('annotations are edited; e-mails say no mail server is set up', async () => {
  const { page, context } = await logIn();
  await open(page, 'notes');
  await page.getByRole('button', { name: 'New note' }).click();
  await page.getByLabel('Text').fill('New <b>price</b> list');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('“New <b>price</b> list” is saved.').waitFor();
  await page.getByRole('button', { name: /^Edit/ }).click();
  await page.getByLabel('Time (optional)').fill('10:30');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.manage-line', { hasText: '10:30' }).waitFor();
  await page.getByRole('button', { name: /^Remove/ }).click();
  await page.getByTestId('sure').click();
  await page.getByText('Nothing here yet.').waitFor();
  assert.match(await told(page), /is removed/);
  await open(page, 'letters');
  await page.getByText('No mail server is configured').waitFor();
  await context.close();
});

test('axe finds nothing in any section, and a phone does not scroll sideways', async () => {
  const { page, context, faults } = await logIn();
  const sections = ['goals', 'funnels', 'notes', 'filters', 'letters', 'people', 'keys', 'links', 'account'];
  for (const section of sections) {
    await open(page, section);
    if (section === 'goals') await page.getByRole('button', { name: 'New goal' }).click();
    await page.evaluate(AXE);
    for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [390, 'light'], [320, 'dark']]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const found = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }));
      const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      assert.deepEqual(said, [], `${section} at ${width}, ${colorScheme}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${section} at ${width} scrolls sideways`);
    }
  }
  // The pseudo-language with the longest words, right to left, on the smallest screen.
  await page.setViewportSize({ width: 320, height: 800 });
  for (const section of sections) {
    await page.goto(`${collector.dashboard}?site=shop&manage=${section}&lang=qpsr`);
    await page.getByTestId('manage').waitFor();
    await ready(page);
    assert.equal(await page.evaluate(() => document.documentElement.dir), 'rtl');
    assert.match(await page.locator('#manage-section').textContent(), /^\[/, section);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${section} from right to left scrolls sideways`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`${collector.dashboard}?site=shop&period=today&clicks=/&funnel=loose~~page~/~page~/cart`);
  await ready(page);
  await page.locator('.lower-place').scrollIntoViewIfNeeded();
  await page.getByTestId('panel-funnel').locator('tbody tr').first().waitFor();
  await page.evaluate(AXE);
  for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [320, 'light']]) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(() => window.axe.run('.lower', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] }));
    assert.deepEqual(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`), [], `below at ${width}, ${colorScheme}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `below at ${width} scrolls sideways`);
  }
  assert.deepEqual(faults, []);
  await context.close();
});
