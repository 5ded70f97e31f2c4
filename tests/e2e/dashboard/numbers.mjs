// Every number on the page equals that of the API and that of the golden visits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIVE, truth } from './golden.mjs';
import { go, number, rows, settled, totals } from './stage.mjs';

/**
 * The largest rows in the order of a panel: by value, and equal values in the order of the API.
 */
const sameRows = (shown, wanted, limit = 8) => {
  const all = Object.entries(wanted);
  assert.equal(shown.length, Math.min(limit, all.length));
  for (const [name, value] of shown) assert.equal(value, wanted[name], name);
  const values = all.map(([, value]) => value).sort((a, b) => b - a).slice(0, limit);
  assert.deepEqual(shown.map(([, value]) => value), values, 'the largest values, in order');
};

export function numbers(stage) {
  test('every panel shows the numbers of the seed, the API and SQL', async () => {
    const { golden } = stage();
    const days = { from: golden.dayBefore(27), to: golden.today };
    const wanted = truth(golden, days);
    const { page, faults } = await stage().open('/?site=shop');
    await settled(page);

    assert.deepEqual(await totals(page), wanted.totals);
    const { results } = await stage().api({ metrics: [...Object.keys(wanted.totals), 'visit_duration', 'engagement_time'] });
    assert.deepEqual(results[0].metrics.slice(0, 5), Object.values(wanted.totals), 'the API differs');
    assert.deepEqual([await number(page, 'visit_duration'), await number(page, 'engagement_time')], results[0].metrics.slice(5));
    assert.equal(await number(page, 'engagement_time'), LIVE.engagedMs / 1_000);
    const sql = await stage().collector.sql(
      `SELECT uniqExact(visit), countIf(name = 'pageview') FROM events WHERE site = 'shop' AND toDate(time, '${golden.zone.name}') >= '${days.from}'`,
    );
    assert.equal(sql, `${wanted.totals.visits}\t${wanted.totals.pageviews}`, 'SQL differs');

    sameRows(await rows(page, 'panel-sources'), wanted.by('source'));
    sameRows(await rows(page, 'panel-pages'), wanted.byPage());
    sameRows(await rows(page, 'panel-countries'), wanted.by('country'));
    sameRows(await rows(page, 'panel-browsers'), wanted.by('browser'));
    sameRows(await rows(page, 'panel-journeys'), wanted.steps());
    assert.equal(Number(await page.getByTestId('new-visitors').textContent()), wanted.newVisitors);
    assert.equal(Number(await page.getByTestId('returning-visitors').textContent()), wanted.totals.visitors - wanted.newVisitors);
    const numbered = Object.fromEntries(await rows(page, 'panel-returning'));
    const named = Object.entries(wanted.byNumber()).map(([key, value]) => [`Visit ${key.replace('-', '–')}`, value]);
    assert.deepEqual(numbered, Object.fromEntries(named));
    assert.deepEqual(faults, []);
  });

  test('the other lists of the panels agree as well', async () => {
    const { golden } = stage();
    const wanted = truth(golden, { from: golden.dayBefore(27), to: golden.today });
    const { page } = await stage().open('/?site=shop&sources=channel&pages=entry_page&browsers=device&countries=map');
    await settled(page);
    sameRows(await rows(page, 'panel-sources'), wanted.by('channel'));
    sameRows(await rows(page, 'panel-pages'), wanted.byEntry());
    sameRows(await rows(page, 'panel-browsers'), wanted.by('device'));

    await go(page, '/?site=shop&sources=utm_campaign&pages=name');
    const { '(not set)': _, ...campaigns } = truth(golden, { from: golden.dayBefore(27), to: golden.today, filter: (visit) => visit.campaign }).by('campaign');
    sameRows(await rows(page, 'panel-sources'), campaigns);
    assert.deepEqual(await rows(page, 'panel-pages'), [[LIVE.event, 1]]);
  });

  test('the chart and its table show each day', async () => {
    const { golden } = stage();
    const wanted = truth(golden, { from: golden.dayBefore(27), to: golden.today }).byDay();
    const { page } = await stage().open('/?site=shop&chart=table');
    await settled(page);
    const cells = await page.getByTestId('chart').locator('tbody tr').evaluateAll((list) => list.map((row) => Number(row.cells[1].textContent)));
    const days = Array.from({ length: 28 }, (_, index) => wanted[golden.dayBefore(index)] ?? 0);
    assert.deepEqual(cells, days);
  });

  test('changes compare with the earlier period in headlines, rows and movers', async () => {
    const { golden } = stage();
    const now = truth(golden, { from: golden.dayBefore(27), to: golden.today });
    const before = truth(golden, { from: golden.dayBefore(55), to: golden.dayBefore(28) });
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    const visitors = await page.getByTestId('metric-visitors').textContent();
    const change = Math.round((now.totals.visitors / before.totals.visitors - 1) * 100);
    assert.match(visitors, new RegExp(`^Visitors${now.totals.visitors}▲${change}%up ${change}%${before.totals.visitors}$`));
    const google = now.by('source').Google - before.by('source').Google;
    const row = page.getByTestId('panel-sources').locator('tr[data-name="Google"]');
    const percent = Math.round((google / before.by('source').Google) * 100);
    assert.match(await row.textContent(), new RegExp(`${Math.abs(percent)}%`));
    const changed = await page.getByTestId('changed').textContent();
    assert.ok(changed.includes(`+${now.totals.visitors - before.totals.visitors}`), changed);
    assert.doesNotMatch(await page.locator('main').textContent(), /Infinity|NaN|∞/);
  });

  test('a change is explained by before and now, and a click filters by it', async () => {
    const { golden } = stage();
    const now = truth(golden, { from: golden.dayBefore(27), to: golden.today });
    const before = truth(golden, { from: golden.dayBefore(55), to: golden.dayBefore(28) });
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.getByTestId('why-open').click();
    const dialog = page.getByTestId('why');
    await dialog.getByText(`${now.totals.visitors} now, ${before.totals.visitors} before`).waitFor();
    const rows = await dialog.locator('tbody tr').evaluateAll((list) => list.map((row) => [row.dataset.name, row.cells[0].textContent, ...[...row.cells].slice(1, 3).map((cell) => Number(cell.textContent)), Number(row.dataset.value)]));
    assert.ok(rows.length > 2, JSON.stringify(rows));
    const known = rows.flatMap(([name, text, ...numbers]) => {
      const counts = [[' Page', (of) => of.byPage()], [' Entry page', (of) => of.byEntry()]];
      const count = counts.find(([kind]) => text.endsWith(kind))?.[1];
      if (!count) return [];
      const [after, earlier] = [count(now)[name] ?? 0, count(before)[name] ?? 0];
      return [[text, numbers, [after, earlier, after - earlier]]];
    });
    assert.ok(known.length > 2, JSON.stringify(rows));
    for (const [name, shown, counted] of known) assert.deepEqual(shown, counted, name);
    const sizes = rows.map(([, , , , difference]) => Math.abs(difference));
    assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a), 'the largest comes first');
    await dialog.locator('tbody tr').first().getByRole('button').click();
    await page.waitForURL(/[?&]f=/);
    assert.equal(await page.getByTestId('why').count(), 0);
  });

  test('the page says what it leaves out, and why', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.getByTestId('quality').getByText('measurements counted').or(page.getByTestId('quality').getByText('measurement counted')).waitFor();
    await page.goto(new URL('/?site=refused', page.url()).href);
    await page.getByTestId('first-run').getByRole('alert').waitFor();
    assert.match(await page.getByTestId('first-run').getByRole('alert').textContent(), /3 measurements have arrived.*refused 3/);
  });
}
