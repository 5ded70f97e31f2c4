// Hostile names stay text: on the page, in the chips, in the address and in the file.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { go, settled } from './stage.mjs';

export function hostile(stage) {
  test('markup in names is shown as text and violates no policy', async () => {
    const stored = await stage().collector.sql("SELECT arrayJoin([path, utm_campaign, utm_source, name]) AS text FROM events WHERE site = 'hostile' AND (text LIKE '%<%' OR text LIKE '=%') GROUP BY text ORDER BY text");
    assert.ok(stored.includes('<img') && stored.includes('=HYPERLINK'), `positive control: hostile names are stored: ${stored}`);
    const { page, faults } = await stage().open('/?site=hostile');
    for (const tabs of ['', '&sources=referrer&pages=name', '&sources=utm_campaign&pages=entry_page', '&detail=source', '&detail=page', '&detail=utm_campaign']) {
      await go(page, `/?site=hostile${tabs}`);
      assert.equal(await page.evaluate(() => 'broken' in window || document.querySelector('main img, main script, dialog img') !== null), false, tabs);
    }
    await go(page, '/?site=hostile&sources=utm_campaign');
    await page.getByTestId('panel-sources').locator('tr[data-name^="<img"] button').click();
    await page.getByTestId('chip').waitFor();
    await settled(page);
    assert.match(await page.getByTestId('chip').textContent(), /<img src=x/);
    assert.equal(await page.evaluate(() => 'broken' in window), false);
    assert.deepEqual(faults, [], 'errors of the page or its content security policy');
  });

  test('markup in the address is shown as text', async () => {
    const evil = encodeURIComponent('"><img src=x onerror=window.broken=1>');
    const { page, faults } = await stage().open(`/?site=shop&f=source~is~${evil}&q=${evil}&detail=page&${evil}=1`);
    await settled(page);
    await page.getByTestId('ignored').waitFor();
    assert.equal(await page.evaluate(() => 'broken' in window || document.querySelector('main img, dialog img') !== null), false);
    assert.deepEqual(faults, []);
  });

  test('no cell of a CSV file is a formula', async () => {
    const { page } = await stage().open('/?site=hostile&detail=source');
    await settled(page);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('csv').click()]);
    const text = await readFile(await download.path(), 'utf8');
    assert.match(text, /"'=HYPERLINK\(""https:\/\/evil\.example"",""click""\)"/);
    for (const line of text.slice(1).trimEnd().split('\r\n')) assert.doesNotMatch(line, /(^|,)"?[=+\-@]/);
  });

  test('the policy forbids inline script, foreign hosts and frames', async () => {
    const answer = await fetch(stage().collector.dashboard);
    const policy = answer.headers.get('content-security-policy');
    for (const rule of [/default-src 'none'/, /script-src 'self'/, /style-src 'self'/, /frame-ancestors 'none'/]) assert.match(policy, rule);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  });
}
