// Consent tools that store a choice and reload the page, some of them without any event.
//
// The collector shares the pages' host here, so that requests carry its cookie and tests can read
// it.

import { readFile } from 'node:fs/promises';
import type { Page } from 'puppeteer-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Scenario, until, useWorld, wait } from './harness/scenario';

const world = useWorld(400);

const attributes = () => ({ 'data-consent': 'wait', 'data-api': `${world.site.origin()}/api/event` });
const adapter = (name: string) => `<script src="${world.site.origin('stats.test')}/consent/${name}.js"></script>`;
const sent = (test: Scenario) => test.requests().map(({ body }) => JSON.parse(body));
/** Name and consent of the sent beacons, in order. */
const words = (test: Scenario) => sent(test).map(({ n, c }) => [n, c]);
/** The device id in the measurement cookie of the test's site. */
const deviceOf = async (test: Scenario) => {
  const cookies = await world.launched.browser.cookies();
  const slug = test.site.replaceAll('.', '-');
  return cookies.find(({ name }) => name.startsWith(`sillage_${slug}-`))?.value.split('.')[1];
};
const reloadedBy = async (page: Page, selector: string) => {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
};

/**
 * A banner that stores the choice, reloads, and passes the choice to Google's consent mode on the
 * next page.
 */
const BANNER = `<script>
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments) }
  gtag('consent', 'default', { analytics_storage: 'denied' });
  const kept = localStorage.choice;
  if (kept) gtag('consent', 'update', { analytics_storage: kept });
  const choose = (choice) => { localStorage.choice = choice; location.reload(); };
</script>
<button id=yes onclick="choose('granted')">yes</button><button id=no onclick="choose('denied')">no</button>`;
const forget = (page: Page) =>
  page.evaluate(() => {
    localStorage.clear();
    for (const name of ['tarteaucitron', 'tarteaucitron_expires']) {
      for (const domain of ['', `; domain=${location.hostname}`])
        document.cookie = `${name}=; path=/; max-age=0${domain}`;
    }
  });

describe('11 a banner that reloads the page', () => {
  const html = (test: Scenario, head: string) =>
    `<!doctype html><title>t</title>${head}${test.html(BANNER, { isGranted: false, attributes: attributes() })}`;

  it('after a no: no measurement is sent, and the cookie is removed', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(html(test, '') + adapter('consent-mode')));
    await reloadedBy(page, '#yes');
    await until('a cookie', async () => (await deviceOf(test)) !== undefined);
    const first = await deviceOf(test);
    await wait(5500);
    // By now an engagement is left with the browser, which would send it when the page ends.
    const before = words(test).length;
    await reloadedBy(page, '#no');
    await until('the cookie is gone', async () => (await deviceOf(test)) === undefined);
    await wait(800);
    expect(words(test).slice(before)).toEqual([['consent', 0]]);
    expect(words(test).slice(0, before)).toEqual([['pageview', 1]]);

    await reloadedBy(page, '#yes');
    await until('another cookie', async () => (await deviceOf(test)) !== undefined);
    expect(await deviceOf(test)).not.toBe(first);
    await forget(page);
  });

  it('sends the no once on each page that receives it, without the page', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(html(test, '') + adapter('consent-mode')));
    await reloadedBy(page, '#no');
    await until('the no', () => sent(test).length === 1);
    await page.evaluate("sillage('A'); history.pushState({}, '', '?b')");
    await page.reload();
    await until('the no again', () => sent(test).length === 2);
    await wait(300);
    const no = { n: 'consent', u: world.site.origin(), c: 0, d: test.site };
    expect(sent(test)).toEqual([no, no]);
    expect(await test.stored(0)).toEqual([]);
    await forget(page);
  });

  it('without an adapter the page still sends its engagement', async () => {
    const test = world.scenario();
    const word = "if (localStorage.choice) sillage('consent', localStorage.choice === 'granted')";
    const page = await world.open(test.put(`${html(test, '')}<script>${word}</script>`));
    await reloadedBy(page, '#yes');
    await until('a view', () => sent(test).length === 1);
    await wait(500);
    await reloadedBy(page, '#no');
    await until('the no', () => words(test).at(-1)?.[1] === 0);
    expect(words(test)).toContainEqual(['engagement', 1]);
    await forget(page);
  });

  it('by the visitor is measured to its end', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(html(test, '') + adapter('consent-mode')));
    await reloadedBy(page, '#yes');
    await until('a view', () => sent(test).length === 1);
    await wait(500);
    await page.reload();
    await until('its engagement', () => words(test).some(([name]) => name === 'engagement'));
    await forget(page);
  });
});

describe('11 tarteaucitron, with the code in README.md', () => {
  const TYPES: { readonly [ending: string]: string } = { js: 'text/javascript', css: 'text/css' };
  beforeAll(async () => {
    for (const name of [
      'tarteaucitron.js',
      'tarteaucitron.services.js',
      'advertising.js',
      'lang/tarteaucitron.en.js',
      'css/tarteaucitron.css',
    ]) {
      const type = TYPES[name.split('.').at(-1) ?? ''] ?? '';
      world.site.put(`/tac/${name}`, await readFile(`node_modules/tarteaucitronjs/${name}`), { type });
    }
  });

  /** The code in README.md. */
  const recipe = async () => {
    const [, text = ''] = (await readFile('README.md', 'utf8')).split('<!-- tarteaucitron -->');
    const code = /```html\n([\s\S]*?)```/.exec(text)?.[1];
    if (!code) throw new Error('README.md has no code for tarteaucitron');
    return code;
  };

  /** Its boxes slide in, so a click by coordinates may miss a button. */
  const press = (page: Page, selector: string) => page.$eval(selector, (button) => (button as HTMLElement).click());
  /**
   * Presses until the choice is in the tool's cookie, since a button appears before its listener.
   */
  const choose = (page: Page, selector: string, kept: string) =>
    until(kept, async () => {
      await press(page, selector);
      return page.evaluate((text) => document.cookie.includes(text), kept);
    });

  it('a no stops everything across a reload; a later yes is a new device', async () => {
    const test = world.scenario();
    const settings =
      "{ privacyUrl: '', orientation: 'middle', highPrivacy: true, DenyAllCta: true, AcceptAllCta: true }";
    const body = `<script>var tarteaucitronForceLanguage = 'en'</script><script src="/tac/tarteaucitron.js"></script>
      <script>tarteaucitron.init(${settings})</script>${await recipe()}`;
    const page = await world.open(test.put(test.html(body, { isGranted: false, attributes: attributes() })));
    const visible = (selector: string) => page.waitForSelector(selector, { visible: true });
    await visible('#tarteaucitronPersonalize2');
    await wait(300);
    expect(sent(test)).toEqual([]);

    await choose(page, '#tarteaucitronPersonalize2', '!sillage=true');
    await until('a cookie', async () => (await deviceOf(test)) !== undefined);
    const first = await deviceOf(test);
    await wait(5500);
    const before = words(test).length;
    await page.evaluate('tarteaucitron.userInterface.openPanel()');
    await visible('#tarteaucitronAllDenied');
    await choose(page, '#tarteaucitronAllDenied', '!sillage=false');
    await visible('#tarteaucitronClosePanel');
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), press(page, '#tarteaucitronClosePanel')]);
    await until('the cookie is gone', async () => (await deviceOf(test)) === undefined);
    await until('the no of the next page', () => words(test).length === before + 2);
    await wait(800);
    expect(words(test).slice(0, before)).toEqual([['pageview', 1]]);
    expect(words(test).slice(before)).toEqual([
      ['consent', 0],
      ['consent', 0],
    ]);

    await page.evaluate('tarteaucitron.userInterface.openPanel()');
    await visible('#tarteaucitronAllAllowed');
    await choose(page, '#tarteaucitronAllAllowed', '!sillage=true');
    await until('another cookie', async () => (await deviceOf(test)) !== undefined);
    expect(await deviceOf(test)).not.toBe(first);
    await forget(page);
  });
});
