// WCAG 2.2 AA in each state, theme and size; reflow; forced colours; languages; right to left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findings, go, settled, sideways } from './stage.mjs';
import { break500, change, tenMillion } from './trouble.mjs';

const click = (id) => (page) => page.getByTestId(id).click();
const seen = (id) => (page) => page.getByTestId(id).first().waitFor();

/** [state, address, preparation before the page opens, action before the check] */
const STATES = [
  ['the board', '/?site=shop'],
  ['filters, bars of rates, no comparison', '/?site=shop&f=source~is~Google&f=country~is~JP~DE&f=page~contains~/&compare=off&metric=bounce_rate'],
  ['the chart as a table', '/?site=shop&chart=table'],
  ['the map', '/?site=shop&countries=map', null, (page) => page.locator('.map svg').waitFor()],
  ['a list in full', '/?site=shop&detail=page'],
  ['a search without a match', '/?site=shop&detail=page&q=nowhere'],
  ['a new site', '/?site=empty', null, seen('first-run')],
  ['a new site that refuses all', '/?site=refused', null, (page) => page.getByTestId('first-run').getByRole('alert').waitFor()],
  ['quiet days', '/?site=one&period=yesterday', null, seen('quiet')],
  ['one visit', '/?site=one'],
  ['ten million', '/?site=shop', tenMillion],
  ['hostile names', '/?site=hostile'],
  ['trouble', '/?site=shop', break500, seen('trouble')],
  ['one panel with an error', '/?site=shop', (page) => change(page, (_, query) => (query.dimensions?.[0] === 'visit:source' ? { status: 500, body: { error: 'no' } } : undefined))],
  ['sign-in ended', '/?site=shop', (page) => page.route('**/api/v2/batch', (route) => route.fulfill({ status: 401, json: {} })), seen('trouble')],
  ['a notice', '/?site=nowhere&what=this'],
  ['the period menu', '/?site=shop', null, click('period')],
  ['the filter editor', '/?site=shop', null, click('add-filter')],
  ['the list of shortcuts', '/?site=shop', null, (page) => page.keyboard.press('?')],
];
const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];

export function access(stage) {
  for (const [state, address, prepare, act] of STATES) {
    test(`axe finds nothing: ${state}, light and dark, desktop and phone`, async () => {
      const { page } = await stage().open(address, { prepare });
      if (state !== 'trouble' && state !== 'sign-in ended') await settled(page);
      if (act) await act(page);
      const found = [];
      for (const size of SIZES) {
        await page.setViewportSize(size);
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          // Of axe's rules, only contrast depends on the colours.
          const rules = colorScheme === 'dark' ? ['color-contrast'] : null;
          found.push(...(await findings(page, rules)).map((finding) => `${size.width} ${colorScheme} ${finding}`));
        }
        assert.ok((await sideways(page)) <= 0, `scrolls sideways at ${size.width}`);
      }
      assert.deepEqual(found, []);
    });
  }

  test('axe finds a fault that was put there', async () => {
    const { page } = await stage().open('/?site=one');
    await settled(page);
    await page.evaluate(() => document.querySelector('main').insertAdjacentHTML('beforeend', '<button></button>'));
    assert.match((await findings(page)).join(), /button-name/);
  });

  test('nothing scrolls sideways, 320 to 1920 px, any language, double text', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    for (const lang of ['de', 'ja', 'qps', 'qpsr']) {
      await page.goto(new URL(`/?site=shop&lang=${lang}`, page.url()).href);
      await settled(page);
      // The language with the longest words is checked in every state.
      const states = lang === 'qps' ? ['&detail=page', '&site=hostile', '&site=empty', '&chart=table&f=page~contains~/'] : [];
      for (const state of ['', ...states]) {
        if (state) await go(page, `/?${new URLSearchParams({ site: 'shop', ...Object.fromEntries(new URLSearchParams(state)), lang })}`);
        for (const width of [320, 390, 768, 1280, 1920]) {
          await page.setViewportSize({ width, height: 900 });
          assert.ok((await sideways(page)) <= 0, `${state} ${lang} at ${width}`);
        }
      }
    }
    await page.goto(new URL('/?site=shop', page.url()).href);
    await settled(page);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
    assert.ok((await sideways(page)) <= 0, 'scrolls sideways with text twice as large');
  });

  test('every control is at least 24 px high and wide', async () => {
    const { page } = await stage().open('/?site=shop&f=source~is~Google');
    await settled(page);
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, select, input, a[href]')]
          .filter((element) => element.checkVisibility() && !element.classList.contains('skip'))
          .map((element) => ({ box: element.getBoundingClientRect(), text: element.textContent }))
          .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
          .map(({ box, text }) => `${text} ${box.width}×${box.height}`),
      );
      assert.deepEqual(small, [], `at ${width}`);
    }
  });

  test('forced colours, reduced motion and a change of theme are respected', async () => {
    // A visitor is online, so the live count pulses.
    await stage().beacon('lively', { u: 'https://lively.test/', k: 'lively-1' });
    const { page } = await stage().open('/?site=lively', { reducedMotion: 'no-preference' });
    await page.getByTestId('metric-visitors').waitFor();
    await settled(page);
    await page.emulateMedia({ forcedColors: 'active' });
    assert.equal(await page.locator('.headline[aria-pressed=true]').evaluate((element) => getComputedStyle(element).outlineStyle), 'solid');
    await page.emulateMedia({ forcedColors: 'none' });
    const animations = () => page.evaluate(() => document.getAnimations().filter((one) => one.effect?.getTiming().iterations === Number.POSITIVE_INFINITY).length);
    await page.locator('.live-dot.is-on').waitFor();
    assert.ok((await animations()) > 0, 'positive control: something moves if motion is allowed');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    assert.equal(await animations(), 0);
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.notEqual(await ground(), light);
    await page.getByTestId('more').click();
    await page.getByRole('button', { name: 'Light', exact: true }).click();
    // The theme chosen on the page wins over the system's.
    await page.waitForFunction((wanted) => getComputedStyle(document.body).backgroundColor === wanted, light);
  });

  test('printing shows the numbers and hides the controls', async () => {
    const { page } = await stage().open('/?site=shop');
    await settled(page);
    await page.emulateMedia({ media: 'print' });
    const visible = (selector) => page.evaluate((wanted) => [...document.querySelectorAll(wanted)].some((element) => element.checkVisibility()), selector);
    assert.equal(await visible('.headline-value'), true);
    assert.equal(await visible('.panel tbody tr'), true);
    assert.equal(await visible('[data-testid=period], [data-testid=add-filter], [data-testid=more]'), false);
  });

  test('each language has its own words, numbers, dates and plurals', async () => {
    const { page } = await stage().open('/?site=shop&compare=off', { locale: 'de-DE', prepare: tenMillion });
    await settled(page);
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
    assert.match(await page.getByTestId('metric-visitors').textContent(), /^Besucher.*13,6\sMio/);
    assert.match(await page.getByTestId('panel-countries').textContent(), /Deutschland.*\d\.\d{3}\.\d{3}/s);
    const japanese = await stage().open('/?site=shop&compare=off', { locale: 'ja-JP' });
    await settled(japanese.page);
    assert.match(await japanese.page.getByTestId('panel-countries').textContent(), /日本/);
    assert.match(await japanese.page.getByTestId('chart').textContent(), /\d{4}\/\d{1,2}\/\d{1,2}～.*\d{1,2}月\d{1,2}日/s);
  });

  test('the pseudo-language leaves no text in plain English', async () => {
    const { page } = await stage().open('/?site=shop&lang=qps');
    await settled(page);
    const plain = await page.evaluate(() =>
      [...document.querySelectorAll('button:not(.row-name):not(.mover):not(.chip-text), h2, th[scope=col], .menu-title, label > span, legend')]
        .map((element) => element.textContent?.trim() ?? '')
        .filter((text) => /[a-z]{3}/i.test(text) && !text.includes('[')),
    );
    // The names of the languages are not translated.
    assert.deepEqual(plain.filter((text) => !['English', '✓English', 'Deutsch'].includes(text)), []);
  });

  test('right to left mirrors the page: names right, numbers left', async () => {
    const { page } = await stage().open('/?site=shop&lang=qpsr');
    await settled(page);
    const at = (selector) => page.locator(selector).first().evaluate((element) => element.getBoundingClientRect().left);
    assert.equal(await page.evaluate(() => document.documentElement.dir), 'rtl');
    assert.ok((await at('.brand')) > (await at('[data-testid=more]')));
    assert.ok((await at('[data-testid=panel-sources] tbody th')) > (await at('[data-testid=panel-sources] tbody td')));
    assert.ok((await at('[data-testid=metric-visitors]')) > (await at('[data-testid=metric-visits]')));
    // A path starts with its slash, and a change with its sign, from the left.
    const isForwards = (selector) => page.locator(selector).first().evaluate((element) => {
      const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
      const place = (from) => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, from + 1);
        return range.getBoundingClientRect().left;
      };
      return place(0) < place(text.data.length - 1);
    });
    assert.equal(await isForwards('[data-testid=panel-pages] tr[data-name="/pricing"] .row-name'), true);
    assert.equal(await isForwards('.mover > span:last-child'), true);
    // Time, and so the arrow keys, go from left to right.
    const chart = page.getByRole('slider');
    await chart.focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await chart.getAttribute('aria-valuenow'), '26');
    assert.deepEqual(await findings(page), []);
  });
}
