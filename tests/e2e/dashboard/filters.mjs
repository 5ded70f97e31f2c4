// A click on a row of each kind filters the whole page, the address holds the filters, and Back and
// Forward work.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { truth } from './golden.mjs';
import { go, settled, totals } from './stage.mjs';

/** [panel, its tab, name on the page, expected filter, visits that match] */
const CLICKS = [
  ['sources', 'source', 'Google', 'source~is~Google', (visit) => visit.source === 'Google'],
  ['sources', 'channel', 'Email', 'channel~is~Email', (visit) => visit.channel === 'Email'],
  ['sources', 'utm_campaign', 'autumn', 'utm_campaign~is~autumn', (visit) => visit.campaign === 'autumn'],
  ['sources', 'referrer', 'coffeeblog.example', 'referrer~is~coffeeblog.example', (visit) => visit.source === 'coffeeblog.example'],
  ['pages', 'entry_page', '/blog/hello', 'entry_page~is~/blog/hello', (visit) => visit.pages[0] === '/blog/hello'],
  ['pages', 'exit_page', '/signup', 'exit_page~is~/signup', (visit) => visit.pages.at(-1) === '/signup'],
  ['countries', 'country', 'Germany', 'country~is~DE', (visit) => visit.country === 'DE'],
  ['browsers', 'browser', 'Safari', 'browser~is~Safari', (visit) => visit.browser === 'Safari'],
  ['countries', 'language', 'English', 'language~is~en', (visit) => !visit.isLive],
  ['browsers', 'screen', '1200 to 1599 px', 'screen~is~xl', (visit) => visit.isLive === true],
  ['browsers', 'device', 'Phone', 'device~is~mobile', (visit) => visit.device === 'mobile'],
];

export function filters(stage) {
  const days = () => ({ from: stage().golden.dayBefore(27), to: stage().golden.today });

  test('a click on any kind of row filters all; a click on its chip removes it', async () => {
    const { page } = await stage().open('/?site=shop&compare=off');
    await settled(page);
    for (const [panel, tab, name, wanted, filter] of CLICKS) {
      await go(page, `/?site=shop&compare=off&${panel}=${tab}`);
      await page.getByTestId(`panel-${panel}`).getByRole('button', { name, exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get('f') === wanted);
      await settled(page);
      assert.deepEqual(await totals(page), truth(stage().golden, { ...days(), filter }).totals, wanted);
      await page.getByRole('button', { name: /^Remove filter/ }).click();
      await page.waitForURL((url) => !url.searchParams.has('f'));
    }
  });

  test('a page, an event and a page transition filter too', async () => {
    const { page } = await stage().open('/?site=shop&compare=off');
    for (const [panel, tab, name, wanted] of [['pages', 'page', '/pricing', 'page~is~/pricing'], ['pages', 'name', 'Signup', 'name~is~Signup']]) {
      await go(page, `/?site=shop&compare=off&${panel}=${tab}`);
      await page.getByTestId(`panel-${panel}`).getByRole('button', { name, exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get('f') === wanted);
      await settled(page);
      const filter = [['is', `event:${tab}`, [name]]];
      const { results } = await stage().api({ metrics: ['visitors', 'visits', 'pageviews', 'views_per_visit', 'bounce_rate'], filters: filter });
      assert.deepEqual(Object.values(await totals(page)), results[0].metrics, wanted);
    }
    const saw = truth(stage().golden, { ...days(), filter: (visit) => visit.pages.includes('/') });
    await go(page, '/?site=shop&compare=off');
    await page.getByTestId('panel-journeys').locator('tr[data-name="/ > /pricing"]').getByRole('button').click();
    await page.waitForURL((url) => url.searchParams.get('f') === 'page~is~/');
    await settled(page);
    assert.equal((await totals(page)).visits, saw.totals.visits);
  });

  test('or, not, contains and does not contain in the form filter correctly', async () => {
    const { page } = await stage().open('/?site=shop&compare=off');
    await settled(page);
    for (const [by, op, values, filter] of [
      ['source', 'is', 'Google\nBing', (visit) => ['Google', 'Bing'].includes(visit.source)],
      ['country', 'is_not', 'JP', (visit) => visit.country !== 'JP'],
      ['entry_page', 'contains', 'BLOG', (visit) => visit.pages[0].includes('blog')],
      ['entry_page', 'contains_not', '/p', (visit) => !visit.pages[0].includes('/p')],
    ]) {
      await page.getByTestId('add-filter').click();
      await page.getByRole('combobox', { name: 'Filter by', exact: true }).selectOption(by);
      await page.getByRole('combobox', { name: 'Condition', exact: true }).selectOption(op);
      await page.getByLabel(/^Values/).fill(values);
      await page.getByRole('button', { name: 'Apply filter' }).click();
      await page.waitForURL((url) => url.searchParams.get('f')?.startsWith(`${by}~${op}~`));
      await settled(page);
      assert.deepEqual(await totals(page), truth(stage().golden, { ...days(), filter }).totals, `${by} ${op}`);
      await page.getByRole('button', { name: /^Remove filter/ }).click();
      await page.waitForURL((url) => !url.searchParams.has('f'));
    }
  });

  test('reload, Back, Forward and a colleague’s browser give the same numbers', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    const all = await totals(page);
    await page.getByTestId('panel-sources').getByRole('button', { name: 'Google', exact: true }).click();
    await page.waitForURL(/f=source~is~Google/);
    await settled(page);
    const google = await totals(page);
    await page.getByTestId('panel-countries').getByRole('button', { name: 'Japan', exact: true }).click();
    await page.waitForURL(/f=country~is~JP/);
    await settled(page);
    const both = await totals(page);
    const filter = (visit) => visit.source === 'Google' && visit.country === 'JP';
    assert.deepEqual(both, truth(stage().golden, { ...days(), filter }).totals);

    await page.reload();
    await settled(page);
    assert.deepEqual(await totals(page), both, 'after a reload');
    const colleague = await stage().open(new URL(page.url()).search, { locale: 'de-DE', width: 390 });
    await settled(colleague.page);
    assert.deepEqual(await totals(colleague.page), both, 'for a colleague');
    // Two open pages with different filters are independent.
    await page.goBack();
    await page.waitForURL((url) => !url.search.includes('country'));
    await settled(page);
    assert.deepEqual(await totals(page), google, 'after Back');
    await page.goBack();
    await page.waitForURL((url) => !url.search.includes('source'));
    await settled(page);
    assert.deepEqual(await totals(page), all, 'after Back twice');
    await page.goForward();
    await page.waitForURL(/source~is~Google/);
    await settled(page);
    assert.deepEqual(await totals(page), google, 'after Forward');
    assert.deepEqual(await totals(colleague.page), both, 'the colleague’s page changed');
  });

  test('filters are saved under a name and applied again', async () => {
    const { page } = await stage().open('/?site=shop&f=source~is~Google&f=country~is~DE~AT');
    await settled(page);
    await page.getByTestId('saved').click();
    await page.getByLabel('Name').fill('DACH organic');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.waitForURL((url) => !url.searchParams.has('f'));
    await page.reload();
    await settled(page);
    await page.getByTestId('saved').click();
    await page.getByRole('button', { name: 'DACH organic', exact: true }).click();
    await page.waitForURL(/f=source~is~Google&f=country~is~DE~AT/);
    await settled(page);
    const filter = (visit) => visit.source === 'Google' && visit.country === 'DE';
    assert.deepEqual(await totals(page), truth(stage().golden, { ...days(), filter }).totals);
  });

  test('the map is fetched when it is opened, and a country on it filters', async () => {
    const { page, requests } = await stage().open('/?site=shop&compare=off');
    await settled(page);
    assert.equal(requests.some((request) => request.url().includes('WorldMap')), false);
    await page.getByTestId('panel-countries').getByRole('button', { name: 'Map' }).click();
    await page.locator('.map path[data-country=DE]').first().click();
    await page.waitForURL(/f=country~is~DE/);
    await settled(page);
    assert.deepEqual(await totals(page), truth(stage().golden, { ...days(), filter: (visit) => visit.country === 'DE' }).totals);
  });

  test('unknown parts of the address are ignored and named', async () => {
    const { page } = await stage().open('/?site=shop&frobnicate=1&period=never&f=shoe~is~44');
    await settled(page);
    const notice = await page.getByTestId('ignored').textContent();
    for (const name of ['frobnicate', 'period', 'f']) assert.match(notice, new RegExp(`\\b${name}\\b`));
    assert.deepEqual(await totals(page), truth(stage().golden, days()).totals);
    await page.goto(new URL('/?site=nowhere', page.url()).href);
    await page.getByText('There is no site “nowhere” here').waitFor();
  });
}
