// Each period counts days of the site's time zone, whatever the reader's zone. Comparisons are fair
// or absent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { truth } from './golden.mjs';
import { go, number, settled, totals } from './stage.mjs';

const firstOf = (date) => `${date.slice(0, 8)}01`;
const before = (date, days) => new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10);

/** First and last day of each preset, in the site's time zone. */
const PRESETS = {
  today: (today) => [today, today],
  yesterday: (today) => [before(today, 1), before(today, 1)],
  '7d': (today) => [before(today, 6), today],
  '28d': (today) => [before(today, 27), today],
  '91d': (today) => [before(today, 90), today],
  month: (today) => [firstOf(today), today],
  'last-month': (today) => [firstOf(before(firstOf(today), 1)), before(firstOf(today), 1)],
  '12mo': (today) => ['2000-01-01', today],
  year: (today) => [`${today.slice(0, 4)}-01-01`, today],
  all: (today) => ['2000-01-01', today],
};

export function periods(stage) {
  test('each preset counts exactly its days', async () => {
    const { golden } = stage();
    const { page } = await stage().open('/?site=shop&compare=off');
    await settled(page);
    for (const [preset, daysOf] of Object.entries(PRESETS)) {
      const [from, to] = daysOf(golden.today);
      await go(page, `/?site=shop&compare=off&period=${preset}`);
      const wanted = truth(golden, { from, to }).totals;
      // A period without visits shows a message instead of numbers.
      if (wanted.visits === 0) await page.getByTestId('quiet').waitFor();
      else assert.deepEqual(await totals(page), wanted, preset);
    }
  });

  test('custom days are set in the menu, kept in the address and counted', async () => {
    const { golden } = stage();
    const [from, to] = [golden.dayBefore(25), golden.dayBefore(18)];
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.getByTestId('period').click();
    await page.getByRole('textbox', { name: 'From' }).fill(from);
    await page.getByRole('textbox', { name: 'To', exact: true }).fill(to);
    await page.getByRole('button', { name: 'Apply', exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get('from') === from && url.searchParams.get('to') === to);
    await settled(page);
    assert.deepEqual(await totals(page), truth(golden, { from, to }).totals);
  });

  test('a comparison matches weekdays, or is by chosen days, or is off', async () => {
    const { golden } = stage();
    const seen = async (address) => {
      await go(page, address);
      return (await page.getByTestId('metric-visits').locator('.headline-before').allTextContents())[0];
    };
    const { page } = await stage().open('/?site=shop');
    const visits = (from, to) => String(truth(golden, { from, to }).totals.visits);
    assert.equal(await seen('/?site=shop'), visits(golden.dayBefore(55), golden.dayBefore(28)));
    const custom = `/?site=shop&compare=custom&cfrom=${golden.dayBefore(55)}&cto=${golden.dayBefore(45)}`;
    assert.equal(await seen(custom), visits(golden.dayBefore(55), golden.dayBefore(45)));
    // Ten days: 14 days earlier are the same weekdays, 10 days earlier are not.
    const ten = `/?site=shop&from=${golden.dayBefore(19)}&to=${golden.dayBefore(10)}`;
    assert.equal(await seen(ten), visits(golden.dayBefore(33), golden.dayBefore(24)));
    assert.equal(await seen(`${ten}&match=date`), visits(golden.dayBefore(29), golden.dayBefore(20)));
    assert.equal(await seen('/?site=shop&compare=off'), undefined);
  });

  test('without an earlier period no change is shown', async () => {
    const { page } = await stage().open('/?site=shop&compare=year');
    await settled(page);
    const text = await page.locator('main').textContent();
    assert.doesNotMatch(text, /∞|Infinity|NaN/);
    assert.equal(await page.getByTestId('changed').count(), 0);
    assert.equal(await page.locator('.headline-before').count(), 0);
    assert.match(await page.getByTestId('chart').textContent(), /too late to compare/);
  });

  test('the current day is drawn dashed and named as incomplete', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    assert.match(await page.getByRole('slider').getAttribute('aria-valuetext'), /\(so far\)/);
    assert.notEqual(await page.locator('.chart-dashed').getAttribute('d'), '');
    await go(page, '/?site=shop&period=yesterday');
    assert.equal(await page.locator('.chart-dashed').getAttribute('d'), '');
    assert.equal(await number(page, 'visits'), 1);
  });
}
