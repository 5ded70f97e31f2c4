// The full list of a panel: it has its own address, the collector searches, sorts and pages it, and
// it can be downloaded as a file.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { truth } from './golden.mjs';
import { go, settled } from './stage.mjs';

const names = (page) => page.getByTestId('detail').locator('tbody tr').evaluateAll((list) => list.map((row) => row.dataset.name));

async function csv(page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('csv').click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

export function details(stage) {
  const wanted = () => truth(stage().golden, { from: stage().golden.dayBefore(27), to: stage().golden.today }).byPage();

  test('search, sort and page are in the address and match the collector', async () => {
    const { page } = await stage().open('/?site=shop&detail=page');
    await settled(page);
    const total = Object.keys(wanted()).length;
    const detail = page.getByTestId('detail');
    assert.match(await detail.getByRole('status').textContent(), new RegExp(`1 to 50 of ${total}`));
    await detail.getByRole('button', { name: 'Next page' }).click();
    await page.waitForURL(/[?&]p=2/);
    await settled(page);
    assert.equal((await names(page)).length, total - 50);
    await page.goBack();
    await page.waitForURL((url) => !url.searchParams.has('p'));
    await settled(page);
    await detail.getByRole('button', { name: 'Page', exact: true }).click();
    await page.waitForURL(/sort=name\.asc/);
    await settled(page);
    assert.deepEqual(await names(page), Object.keys(wanted()).sort().slice(0, 50));
    await detail.getByTestId('detail-search').fill('ITEMS/0');
    await page.waitForURL(/q=ITEMS/);
    await settled(page);
    assert.deepEqual(await names(page), Array.from({ length: 9 }, (_, index) => `/items/0${index + 1}`));
    await page.reload();
    await settled(page);
    assert.equal((await names(page)).length, 9, 'after a reload');
    await detail.getByTestId('detail-search').fill('nowhere at all');
    await detail.getByText('No results for “nowhere at all”.').waitFor();
    await page.getByTestId('detail-close').click();
    await page.waitForURL((url) => !url.searchParams.has('detail'));
  });

  test('the file holds every row of the list, byte for byte', async () => {
    const { golden } = stage();
    const { page } = await stage().open('/?site=shop&detail=country&compare=off');
    await settled(page);
    const shown = await names(page);
    const { name, text } = await csv(page);
    assert.equal(name, `shop country ${golden.dayBefore(27)} ${golden.today}.csv`);
    const { results } = await stage().api({ metrics: ['visitors', 'visits'], dimensions: ['visit:country'] });
    const word = new Intl.DisplayNames(['en-GB'], { type: 'region' });
    const cells = new Map(results.map(({ dimensions: [code], metrics }) => [code, metrics]));
    const lines = shown.map((code) => [word.of(code), ...cells.get(code)].join(','));
    assert.equal(text, `\uFEFFCountry,Visitors,Visits\r\n${lines.join('\r\n')}\r\n`);

    await go(page, '/?site=shop&detail=page&compare=off&sort=name.asc');
    const pages = (await csv(page)).text.trimEnd().split('\r\n').slice(1);
    assert.deepEqual(pages.map((line) => line.split(',')[0]), Object.keys(wanted()).sort());
    assert.deepEqual(pages.map((line) => Number(line.split(',')[1])), Object.keys(wanted()).sort().map((path) => wanted()[path]));
  });

  test('a filter set in the list closes it, and Back opens it again', async () => {
    const { page } = await stage().open('/?site=shop&detail=page');
    await settled(page);
    await page.getByTestId('detail').getByRole('button', { name: '/blog/hello', exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get('f') === 'page~is~/blog/hello' && !url.searchParams.has('detail'));
    await page.goBack();
    await page.getByTestId('detail').waitFor();
  });

  test('text typed into the search stays while answers arrive or pause', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route('**/api/v2/batch', async (route) => {
      await held;
      await route.continue();
    });
    await page.getByTestId('panel-pages').locator('.panel-all').click();
    const search = page.getByTestId('detail-search');
    await search.fill('bl');
    release();
    await page.getByTestId('detail').locator('tbody tr').first().waitFor();
    assert.equal(await search.inputValue(), 'bl', 'the arriving list cleared the search');
    await search.pressSequentially('og');
    await page.waitForURL(/q=blog$/);
    await settled(page);

    await search.pressSequentially(' ');
    await page.waitForTimeout(400);
    await search.pressSequentially('x');
    await page.waitForURL(/q=blog(\+|%20)x$/);

    await page.goBack();
    await page.goForward();
    await page.waitForFunction(() => document.querySelector('[data-testid=detail-search]')?.value === 'blog x');
    await go(page, '/?site=shop&detail=page&q=items');
    assert.equal(await search.inputValue(), 'items', 'the search of the new address was not shown');
  });

  test('a list closed while a search is pending stays closed', async () => {
    const { page } = await stage().open('/?site=shop&detail=page');
    await settled(page);
    await page.getByTestId('detail-search').pressSequentially('bl');
    await page.getByTestId('detail-close').click();
    await page.waitForURL((url) => !url.searchParams.has('detail'));
    await page.waitForTimeout(600);
    assert.equal(new URL(page.url()).searchParams.has('detail'), false, 'the search opened the list again');
    assert.equal(await page.getByTestId('detail').isVisible(), false);
  });

  test('a failed export shows an error and creates no partial file', async () => {
    const { page } = await stage().open('/?site=shop&detail=page');
    await settled(page);
    await page.route('**/api/v2/batch', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      // Every question except that of the list fails: the comparison and the engagement times.
      body.results = body.results.map((one, index) => (index === 0 ? one : { status: 500, body: { error: 'no' } }));
      await route.fulfill({ response: answer, json: body });
    });
    await page.getByTestId('csv').click();
    await page.getByTestId('detail').getByText('The file could not be created.').waitFor();
  });
}
