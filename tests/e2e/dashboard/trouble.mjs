// No visit, one visit, ten million visits. Refusals, errors and timeouts are shown where they
// occur, with a way to continue.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { truth } from './golden.mjs';
import { number, rows, settled, totals } from './stage.mjs';

const BATCH = '**/api/v2/batch';

/** Changes the collector's answers to the page. */
export const change = (page, edit) =>
  page.route(BATCH, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    const queries = route.request().postDataJSON().queries;
    json.results = json.results.map((one, index) => edit(one, queries[index]) ?? one);
    await route.fulfill({ response, json });
  });

export const break500 = (page) => page.route(BATCH, (route) => route.fulfill({ status: 500, json: { error: 'no' } }));

/** Multiplies the numbers of all answers by ten thousand. */
export const tenMillion = (page) =>
  change(page, (one) => {
    for (const row of one.body.results ?? []) row.metrics = row.metrics.map((value) => value && value * 1_234_567);
    return one;
  });

export function trouble(stage) {
  const wanted = () => truth(stage().golden, { from: stage().golden.dayBefore(27), to: stage().golden.today }).totals;

  test('a failing collector shows an error with a working retry, never a zero', async () => {
    const { page, faults } = await stage().open('/?site=shop', { prepare: break500 });
    await page.getByTestId('trouble').waitFor();
    assert.match(await page.getByTestId('trouble').textContent(), /status 500/);
    assert.equal(await number(page, 'visitors'), null);
    assert.match(await page.getByTestId('metric-visitors').textContent(), /–/);
    assert.equal(await page.getByTestId('first-run').count(), 0);
    await page.unroute(BATCH);
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page);
    assert.equal(await page.getByTestId('trouble').count(), 0);
    assert.deepEqual(await totals(page), wanted());
    assert.deepEqual(faults, []);
  });

  test('a timeout and a broken connection have different messages', async () => {
    // Shorten the page's time limit.
    const hasten = () => {
      const real = AbortSignal.timeout.bind(AbortSignal);
      AbortSignal.timeout = () => real(500);
    };
    const { page } = await stage().open('/?site=shop', {
      async prepare(fresh) {
        await fresh.addInitScript(hasten);
        await fresh.route(BATCH, () => {});
      },
    });
    await page.getByTestId('trouble').waitFor();
    assert.match(await page.getByTestId('trouble').textContent(), /took too long/);
    assert.equal(await number(page, 'visitors'), null);

    const cut = await stage().open('/?site=shop', { prepare: (fresh) => fresh.route(BATCH, (route) => route.abort()) });
    await cut.page.getByTestId('trouble').waitFor();
    assert.match(await cut.page.getByTestId('trouble').textContent(), /cannot be reached/);
  });

  test('old numbers stay with their time when a later answer fails', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await break500(page);
    await page.getByTestId('period').click();
    await page.getByRole('button', { name: 'Last 91 days' }).click();
    await page.getByTestId('trouble').waitFor();
    assert.match(await page.getByTestId('trouble').textContent(), /These numbers are from \d\d:\d\d/);
    await page.unroute(BATCH);
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page);
    const { golden } = stage();
    assert.deepEqual(await totals(page), truth(golden, { from: golden.dayBefore(90), to: golden.today }).totals);
  });

  test('a failing question does not affect the others', async () => {
    const { page } = await stage().open('/?site=shop', {
      prepare: (fresh) => change(fresh, (_, query) => (query.dimensions?.[0] === 'visit:source' ? { status: 500, body: { error: 'no' } } : undefined)),
    });
    await settled(page);
    const panel = page.getByTestId('panel-sources');
    assert.match(await panel.getByRole('alert').textContent(), /status 500/);
    assert.deepEqual(await totals(page), wanted());
    assert.equal((await rows(page, 'panel-countries')).length, 5);
    await page.unroute(BATCH);
    await panel.getByRole('button', { name: 'Try again' }).click();
    await panel.locator('tbody tr').first().waitFor();
    assert.equal(await panel.getByRole('alert').count(), 0);
  });

  test('an expired log-in leads to the log-in page and back', async () => {
    const { page } = await stage().open('/?site=shop&period=7d', { prepare: (fresh) => fresh.route(BATCH, (route) => route.fulfill({ status: 401, json: { error: 'no' } })) });
    await page.getByTestId('trouble').waitFor();
    const link = page.getByTestId('trouble').getByRole('link', { name: 'Log in' });
    assert.equal(await link.getAttribute('href'), `/login?next=${encodeURIComponent('/?site=shop&period=7d')}`);
  });

  test('loading is shown, and the layout stays when numbers arrive', async () => {
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    const { page } = await stage().open('/?site=shop', {
      prepare: (fresh) => fresh.route(BATCH, async (route) => {
        await held;
        await route.continue();
      }),
    });
    await page.locator('.headline .skeleton').first().waitFor();
    const places = () => page.evaluate(() => [...document.querySelectorAll('.headline, .chart-body, .panel')].map((element) => {
      const box = element.getBoundingClientRect();
      return [Math.round(box.left), Math.round(box.top), Math.round(box.width)];
    }));
    const waiting = await places();
    release();
    await settled(page);
    assert.deepEqual(await places(), waiting);
  });

  test('one visit is shown as one, without a meaningless share or change', async () => {
    const { page } = await stage().open('/?site=one');
    await settled(page);
    assert.deepEqual(await totals(page), { visitors: 1, visits: 1, pageviews: 1, views_per_visit: 1, bounce_rate: 100 });
    assert.doesNotMatch(await page.locator('main').textContent(), /NaN|Infinity|∞|undefined|null/);
  });

  test('ten million is abbreviated in headlines and in full in lists', async () => {
    const { page } = await stage().open('/?site=shop&compare=off', { prepare: tenMillion });
    await settled(page);
    assert.match(await page.getByTestId('metric-visitors').textContent(), /13\.6m$/i);
    assert.match(await page.getByTestId('panel-countries').textContent(), /\d,\d{3},\d{3}/);
    const cut = await page.evaluate(() => [...document.querySelectorAll('.headline-value')].filter((element) => element.scrollWidth > element.clientWidth + 1).length);
    assert.equal(cut, 0, 'a headline is cut off');
  });
}
