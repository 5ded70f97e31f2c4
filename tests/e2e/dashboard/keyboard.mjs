// The dashboard by keyboard alone: the focus is visible, and returns when a dialog closes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './stage.mjs';

const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
});

/**
 * Presses Tab until `isThere` is true for the focus. Returns the number of presses.
 */
async function tabTo(page, isThere, max = 160) {
  for (let steps = 1; steps <= max; steps++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(isThere)) return steps;
  }
  throw new Error(`not reached in ${max} steps; the focus is on “${await focused(page)}”`);
}

export function keyboard(stage) {
  test('pick a period, filter, open a list, save it, close it: without a mouse', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.keyboard.press('Tab');
    assert.match(await focused(page), /Skip to the numbers/);
    await tabTo(page, () => document.activeElement?.matches('[data-testid=period]') ?? false);
    await page.keyboard.press('Enter');
    await tabTo(page, () => document.activeElement?.textContent?.includes('Last 91 days') ?? false);
    await page.keyboard.press('Enter');
    await page.waitForURL(/period=91d/);
    assert.equal(await page.evaluate(() => document.activeElement?.matches('[data-testid=period]')), true, 'the focus did not return');
    await settled(page);
    await tabTo(page, () => document.activeElement?.closest('[data-testid=panel-sources] tbody') !== null);
    await page.keyboard.press('Enter');
    await page.waitForURL(/f=source~is~/);
    await settled(page);
    await page.keyboard.press('Escape');
    await tabTo(page, () => document.activeElement?.matches('.chip-remove') ?? false);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => !url.searchParams.has('f'));
    await settled(page);
    await tabTo(page, () => document.activeElement?.matches('[data-testid=panel-pages] .panel-all') ?? false);
    await page.keyboard.press('Enter');
    await page.waitForURL(/detail=page/);
    await settled(page);
    assert.equal(await page.evaluate(() => document.activeElement?.closest('dialog') !== null), true, 'the focus stayed behind the list');
    await page.getByTestId('detail-search').focus();
    await page.keyboard.type('blog');
    await page.waitForURL(/q=blog/);
    assert.match(page.url(), /period=91d/, 'a typed letter worked as a shortcut');
    await settled(page);
    await tabTo(page, () => document.activeElement?.matches('[data-testid=csv]') ?? false);
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.match(download.suggestedFilename(), /^shop page .*\.csv$/);
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.searchParams.has('detail'));
    assert.equal(await page.evaluate(() => document.activeElement?.matches('.panel-all')), true, 'the focus did not return');
  });

  test('Tab passes through the whole page with visible focus, then leaves it', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    const seen = new Set();
    let unseen = [];
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab');
      const stop = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return null;
        const style = getComputedStyle(element);
        const hasRing = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
        const box = element.getBoundingClientRect();
        const all = [...document.querySelectorAll('*')];
        return { id: all.indexOf(element), name: element.textContent?.slice(0, 30), hasRing, isVisible: box.width > 0 && box.bottom > 0 && box.top < innerHeight };
      });
      if (stop === null || seen.has(stop.id)) break;
      seen.add(stop.id);
      if (!stop.hasRing || !stop.isVisible) unseen.push(stop.name);
    }
    assert.ok(seen.size > 40 && seen.size < 150, `${seen.size} stops`);
    assert.deepEqual(unseen, []);
  });

  test('the chart works with keyboard and screen reader', async () => {
    const { golden } = stage();
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    const chart = page.getByRole('slider');
    await chart.focus();
    await page.keyboard.press('ArrowLeft');
    const text = await chart.getAttribute('aria-valuetext');
    assert.match(text, /: 1; before, .*: 0$/);
    await page.keyboard.press('Home');
    assert.equal(await chart.getAttribute('aria-valuenow'), '0');
    const first = golden.dayBefore(27);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('from') === first && url.searchParams.get('to') === first);
    await settled(page);
    const snapshot = await page.locator('main').ariaSnapshot();
    assert.match(snapshot, /slider "Visitors over time\./);
    assert.match(snapshot, /table "Source"/);
    assert.match(snapshot, /columnheader "Visitors"/);
    assert.match(snapshot, /rowheader/);
  });

  test('shortcuts work, pause in text fields and can be switched off', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.keyboard.press('w');
    await page.waitForURL(/period=7d/);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('more').click();
    await page.getByRole('button', { name: 'Single-key shortcuts' }).click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('d');
    // If shortcuts were on, the earlier press would change the address before this click does.
    await page.getByTestId('compare').click();
    await page.getByRole('button', { name: 'No comparison' }).click();
    await page.waitForURL(/compare=off/);
    assert.match(page.url(), /period=7d/);
  });
}
