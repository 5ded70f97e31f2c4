/** States that need a mock: a collector that lacks metrics, and a fixed time in Tokyo. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { metric, type Stage, setStage, settled } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterEach(() => stage.tidy());
afterAll(() => stage.close());

it('works without metrics that the collector lacks, and names them', async () => {
  const old = await setStage({ bare: true });
  const { page, complaints } = await old.open('/');
  await settled(page);
  expect(await metric(page, 'visitors').getAttribute('data-value')).toMatch(/^\d+$/);
  expect(await metric(page, 'engagement_time').count()).toBe(0);
  expect(await page.getByTestId('quality').textContent()).toContain('Engagement time');
  expect(await page.getByTestId('panel-journeys').textContent()).toContain('does not measure that yet');
  expect(complaints).toEqual([]);
  await old.close();
});

it('what a page-count site leaves out is not counted as a loss', async () => {
  const { page } = await stage.open('/');
  await page.route('**/api/quality?*', (route) =>
    route.fulfill({ json: { accepted: 300, dropped: { pages_only: 900, bot: 100 } } }),
  );
  await page.reload();
  await settled(page);
  const strip = page.getByTestId('quality');
  await strip.getByText('engagement time and custom events, not stored without consent 900').waitFor();
  expect(await strip.textContent()).toContain('25% left out');
});

it('today is compared with the same hours of the earlier day', async () => {
  const { page } = await stage.open('/?period=today');
  await settled(page);
  // 14:34 in Tokyo: the earlier Monday counts until 14:30.
  expect(await page.getByTestId('chart').textContent()).toContain('16 Nov 2026, until 14:30');
});

it('days are those of the site: Monday in Tokyo, Sunday elsewhere', async () => {
  const { page } = await stage.open('/?chart=table');
  await settled(page);
  const chart = page.getByTestId('chart');
  expect(await chart.locator('tbody tr').first().textContent()).toContain('Mon, 23 Nov 2026 (so far)');
});

it('a year is shown by month or by week', async () => {
  const { page, complaints } = await stage.open('/?period=12mo&interval=month&chart=table');
  await settled(page);
  expect(await page.getByTestId('chart').locator('tbody tr').count()).toBe(12);
  await page.getByRole('button', { name: 'Week', exact: true }).click();
  await page.waitForURL(/interval=week/);
  await settled(page);
  expect(await page.getByTestId('chart').locator('tbody tr').count()).toBeGreaterThan(50);
  expect(complaints).toEqual([]);
});

it('the first day with visit ids is shown if earlier ones are cleared', async () => {
  const { page, complaints } = await stage.open('/');
  await settled(page);
  expect(await page.getByTestId('ids-cleared').count()).toBe(0);
  await page.route('**/api/v2/batch', async (route) => {
    const answer = await route.fetch();
    const { results } = (await answer.json()) as { results: { body: { meta?: object } }[] };
    for (const { body } of results) body.meta = { ...body.meta, ids_cleared_before: '2026-11-16' };
    await route.fulfill({ json: { results } });
  });
  await page.reload();
  await settled(page);
  expect(await page.getByTestId('ids-cleared').textContent()).toContain('16 Nov 2026');
  expect(complaints).toEqual([]);
});
