// The first run, and live updates: the page updates by itself, and sends no queries while hidden.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { number, settled } from './stage.mjs';

export function living(stage) {
  test('a new site shows its snippet and any refusals until the first visit', async () => {
    const { page, context } = await stage().open('/?site=growing');
    const card = page.getByTestId('first-run');
    await card.waitFor();
    const origin = new URL(page.url()).origin;
    const snippet = await stage().collector.snippet('growing', origin);
    assert.match(snippet, /^<script defer .*data-policy="[^"]+"><\/script>$/);
    await card.locator('pre').filter({ hasText: '<script' }).waitFor();
    assert.equal(await card.locator('pre').textContent(), snippet);
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
    await card.getByRole('button', { name: 'Copy' }).click();
    await card.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), snippet);

    await stage().beacon('growing', { u: 'https://growing.test/', k: 'grow-0', c: 0 });
    await card.getByRole('alert').filter({ hasText: /1 measurement has arrived.*refused 1/ }).waitFor();
    await stage().beacon('growing', { u: 'https://growing.test/', k: 'grow-1' });
    await page.getByTestId('metric-visitors').waitFor();
    assert.equal(await number(page, 'pageviews'), 1);
    assert.equal(await card.count(), 0);

    // One more visitor while the page is open: the live count follows without a click or reload.
    await stage().beacon('growing', { u: 'https://growing.test/', k: 'grow-2' }, { person: 'ben' });
    await page.locator('[data-testid=metric-visitors][data-value="2"]').waitFor();
    await page.locator('[data-testid=live][data-value="2"]').waitFor();
  });

  test('a snippet that can’t be copied is selected, with a message', async () => {
    const { page } = await stage().open('/?site=empty', {
      prepare: (fresh) => fresh.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined })),
    });
    await page.getByTestId('first-run').locator('pre').filter({ hasText: '<script' }).waitFor();
    await page.getByTestId('first-run').getByRole('button', { name: 'Copy' }).click();
    await page.getByText('the line is selected').waitFor();
    assert.match(await page.evaluate(() => String(getSelection())), /^<script defer/);
  });

  test('a site whose question fails is not shown as new', async () => {
    const { page } = await stage().open('/?site=empty', {
      prepare: (fresh) => fresh.route('**/api/v2/query', (route) => route.fulfill({ status: 503, json: { error: 'no' } })),
    });
    await page.getByRole('alert').filter({ hasText: 'status 503' }).waitFor();
    assert.equal(await page.getByTestId('first-run').count(), 0);
    await page.unroute('**/api/v2/query');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByTestId('first-run').waitFor();
  });

  test('a hidden page sends no query and updates when shown again', async () => {
    const { page, requests } = await stage().open('/?site=shop', { prepare: (fresh) => fresh.clock.install() });
    await settled(page);
    const show = (state) => page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { get: () => value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
    const asked = () => requests.filter((request) => request.url().includes('/api/')).length;
    await page.clock.runFor(1_000);
    await page.getByTestId('live').getByText(/now$/).waitFor();
    await settled(page);
    await show('hidden');
    const before = asked();
    await page.clock.runFor(120_000);
    assert.equal(asked(), before, 'no query while hidden');
    await Promise.all([page.waitForRequest('**/api/v2/batch'), show('visible')]);
    assert.ok(asked() > before);
  });
}
