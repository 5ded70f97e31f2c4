// Bytes, requests, layout shifts, the time from a click to its paint, and the page without scripts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settled } from './stage.mjs';

const FIRST_VIEW_BYTES_MAX = 45_000;
const SHIFT_MAX = 0.02;
const PAINT_MS_MAX = 100;

export function budget(stage) {
  for (const locale of ['en-GB', 'ja-JP', 'de-DE']) {
    test(`the first view: at most 45 KB, one query, no third party: ${locale}`, async () => {
      const { page, requests } = await stage().open('/?site=shop', { locale });
      await settled(page);
      const files = requests.filter((request) => !new URL(request.url()).pathname.startsWith('/api/'));
      const sizes = await Promise.all(files.map(async (request) => [new URL(request.url()).pathname, (await request.sizes()).responseBodySize]));
      const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
      assert.ok(bytes > 20_000 && bytes <= FIRST_VIEW_BYTES_MAX, `${bytes} bytes: ${JSON.stringify(sizes)}`);
      const origin = new URL(page.url()).origin;
      assert.deepEqual(requests.map((request) => request.url()).filter((url) => !url.startsWith(origin) && !url.startsWith('data:')), []);
      const data = requests.filter((request) => /\/api\/(v2|sites)/.test(request.url()));
      assert.deepEqual(data.map((request) => `${request.method()} ${new URL(request.url()).pathname}`), ['POST /api/v2/batch']);
      assert.equal(requests.some((request) => request.url().includes('WorldMap')), false, 'the map was fetched before it was opened');
    });
  }

  test('the layout hardly shifts while the page loads', async () => {
    const { page } = await stage().open('/?site=shop', {
      prepare: (fresh) => fresh.addInitScript(() => {
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
        }).observe({ type: 'layout-shift', buffered: true });
      }),
    });
    await settled(page);
    // The live count arrives after the numbers and must not move them.
    await page.getByTestId('live').getByText(/now$/).waitFor();
    await page.getByTestId('quality').getByText(/measurements? counted/).waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const moved = await page.evaluate(() => window.shifts.reduce((sum, shift) => sum + shift, 0));
    assert.ok(moved <= SHIFT_MAX, `${moved}`);
  });

  test('a click on a row is painted within 100 ms', async () => {
    const { page } = await stage().open('/?site=shop&compare=off');
    await settled(page);
    const toggle = () => page.evaluate(async () => {
      const row = [...document.querySelectorAll('[data-testid=panel-sources] button.row-name')].find((one) => one.textContent === 'Google');
      const chips = document.querySelectorAll('[data-testid=chip]').length;
      const start = performance.now();
      row.click();
      while (document.querySelectorAll('[data-testid=chip]').length === chips) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now() - start;
    });
    // The best of six, since other work on the machine only adds time.
    const took = [];
    for (let i = 0; i < 6; i++) {
      took.push(await toggle());
      await settled(page);
    }
    assert.ok(Math.min(...took) <= PAINT_MS_MAX, took.join(' '));
  });

  test('without scripts the page says what is missing', async () => {
    const { page } = await stage().open('/?site=shop', { javaScriptEnabled: false });
    assert.match(await page.locator('noscript').textContent(), /JavaScript/);
  });

  test('files are immutable under their hashed names, the page is not', async () => {
    const { dashboard } = stage().collector;
    const answer = await fetch(dashboard, { headers: { 'accept-encoding': 'br' } });
    const [, script] = /src="(\/assets\/[^"]+\.js)"/.exec(await answer.text()) ?? [];
    assert.match(answer.headers.get('cache-control'), /no-cache|no-store/);
    const file = await fetch(new URL(script, dashboard), { headers: { 'accept-encoding': 'br' } });
    assert.match(file.headers.get('cache-control'), /immutable/);
    assert.equal(file.headers.get('content-encoding'), 'br');
  });
}
