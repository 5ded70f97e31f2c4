import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import { EMPTY, names, storage, type TagOptions, until, useWorld, wait } from './harness/scenario';

const world = useWorld(220);

const WAIT: TagOptions = { isGranted: false, attributes: { 'data-consent': 'wait' } };
const say = (page: Page, granted: boolean) => page.evaluate((yes) => window.sillage?.('consent', yes), granted);
declare global {
  interface Window {
    sillage?: (name: string, value?: unknown) => void;
  }
}

describe('11 consent', () => {
  it('waiting sends nothing, even at close or crash; a yes sends it in order', async () => {
    const waiting = world.scenario();
    const quiet = await world.open(waiting.put(waiting.html(`<script>sillage('A')</script>`, WAIT)));
    await wait(5300);
    expect(await storage(quiet)).toEqual(EMPTY);
    quiet.on('error', () => {});
    quiet.goto('chrome://crash').catch(() => {});
    await wait(500);
    expect(waiting.requests()).toEqual([]);

    const granted = world.scenario();
    const page = await world.open(granted.put(granted.html(`<script>sillage('A')</script>`, WAIT)));
    await say(page, true);
    await granted.stored(2);
    expect(
      granted
        .requests()
        .map(({ body }) => JSON.parse(body))
        .map(({ n, c }) => [n, c]),
    ).toEqual([
      ['pageview', 1],
      ['A', 1],
    ]);
    expect(await storage(page)).toEqual(EMPTY);
  });

  it('refused: the no is sent and nothing else, whatever happens afterwards', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(test.html('<a id=it href="https://other.test/">x</a>', WAIT)));
    await say(page, false);
    await page.evaluate(() => {
      window.sillage?.('A');
      history.pushState({}, '', '/elsewhere');
    });
    await page.close();
    await wait(400);
    expect(test.requests().map(({ body }) => JSON.parse(body))).toEqual([
      { n: 'consent', u: world.site.origin(), c: 0, d: test.site },
    ]);
    expect(await test.stored(0)).toEqual([]);
  });

  it('withdrawn is reported, and the copy left with the browser is aborted', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(test.html('', WAIT)));
    await say(page, true);
    await test.stored(1);
    await wait(5300);
    await say(page, false);
    await wait(100);
    page.on('error', () => {});
    page.goto('chrome://crash').catch(() => {});
    await wait(800);
    expect(
      test
        .requests()
        .map(({ body }) => JSON.parse(body))
        .map(({ n, c }) => [n, c]),
    ).toEqual([
      ['pageview', 1],
      ['consent', 0],
    ]);
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });

  it('granted again: the page starts a new pageview', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(test.html('', WAIT)));
    await say(page, true);
    await say(page, false);
    await say(page, true);
    const events = await test.stored(2);
    expect(names(events)).toEqual(['pageview', 'pageview']);
    expect(events[0]?.key).not.toBe(events[1]?.key);
  });

  it('belongs to one tab: a yes or no does not affect another tab', async () => {
    const test = world.scenario();
    const url = test.put(test.html('', WAIT));
    const [asked, other] = [await world.open(url), await world.open(url)];
    // The hidden one sends its engagement.
    const views = () => test.requests().filter(({ body }) => JSON.parse(body).n === 'pageview');
    await say(other, true);
    await test.stored(1);
    await asked.bringToFront();
    await wait(400);
    expect(views()).toHaveLength(1);
    await say(asked, true);
    await until('its view', () => views().length === 2);
    await say(asked, false);
    await other.bringToFront();
    await other.evaluate(() => window.sillage?.('A'));
    await until('its event', async () => names(await world.site.stored(test.site)).includes('A'));
  });

  it('by an adapter: an update is a choice, a default is not', async () => {
    const test = world.scenario();
    const gtag = `<script>dataLayer = []; function gtag() { dataLayer.push(arguments) }; gtag('consent', 'default', { analytics_storage: 'granted' })</script>`;
    const adapter = `<script src="${world.site.origin('stats.test')}/consent/consent-mode.js"></script>`;
    const page = await world.open(test.put(gtag + test.html(adapter, WAIT)));
    await wait(400);
    expect(test.requests()).toEqual([]);
    await page.evaluate("gtag('consent', 'update', { analytics_storage: 'granted' })");
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });
});

describe('12 signals', () => {
  const visit = async (before: string, attributes = {}) => {
    const test = world.scenario();
    const page = await world.launched.browser.newPage();
    await page.evaluateOnNewDocument(before);
    await page.goto(test.put(test.html(`<script>sillage('A')</script>`, { attributes })));
    await wait(400);
    return test.requests().map(({ body }) => JSON.parse(body).n);
  };
  const has = (name: string, value: string) => `Object.defineProperty(navigator, '${name}', { get: () => ${value} })`;

  it('Global Privacy Control stops sending unless the site ignores it', async () => {
    expect(await visit(has('globalPrivacyControl', 'true'))).toEqual([]);
    expect(await visit(has('globalPrivacyControl', 'true'), { 'data-ignore-gpc': '' })).toEqual(['pageview', 'A']);
    expect(await visit(has('globalPrivacyControl', 'false'))).toEqual(['pageview', 'A']);
  });

  it('Do Not Track is respected if the site says so', async () => {
    expect(await visit(has('doNotTrack', '"1"'), { 'data-dnt': '' })).toEqual([]);
    expect(await visit(has('doNotTrack', '"1"'))).toEqual(['pageview', 'A']);
  });

  it('an automated browser is not counted, unless the site asks for it', async () => {
    expect(await visit(has('webdriver', 'true'))).toEqual([]);
    expect(await visit(has('webdriver', 'true'), { 'data-automated': '' })).toEqual(['pageview', 'A']);
  });

  it('the visitor’s mark in storage is respected', async () => {
    expect(await visit(`localStorage.sillage_ignore = 'true'`)).toEqual([]);
    expect(await visit(`localStorage.removeItem('sillage_ignore')`)).toEqual(['pageview', 'A']);
  });

  it('the collector drops an event that the page sent with Sec-GPC', async () => {
    const test = world.scenario();
    const page = await world.launched.browser.newPage();
    await page.setExtraHTTPHeaders({ 'sec-gpc': '1' });
    await page.goto(test.put(test.html('', { attributes: { 'data-ignore-gpc': '' } })));
    await wait(400);
    expect(test.requests()).toHaveLength(1);
    expect(test.requests()[0]?.headers['sec-gpc']).toBe('1');
    expect(await test.stored(0)).toEqual([]);
  });
});

describe('18 and 19 what the page knows', () => {
  it('secrets of address, referrer and fields are never sent or stored', async () => {
    const test = world.scenario();
    const out = `${test.path}/b?token=SECRET#SECRET`;
    test.put(test.html('<form id=form><input name=card value="SECRET"></form>'), '/b');
    const page = await world.launched.browser.newPage();
    await page.goto(`${test.put(test.html(`<a id=it href="${out}">b</a>`))}?q=SECRET&utm_source=mail#SECRET`);
    await test.stored(1);
    await Promise.all([page.waitForNavigation(), page.click('#it')]);
    await test.stored(3);
    await page.evaluate(() => (document.querySelector('form') as HTMLFormElement).requestSubmit());
    await wait(500);
    expect(test.requests().length).toBeGreaterThan(3);
    expect(JSON.stringify(test.requests().map(({ body, url }) => [body, url]))).not.toContain('SECRET');
    expect(JSON.parse(test.requests()[0]?.body ?? '').u).toMatch(/\?utm_source=mail$/);
    expect(await storage(page)).toEqual(EMPTY);
  });

  it('is counted where storage is denied', async () => {
    const test = world.scenario();
    const page = await world.launched.browser.newPage();
    await page.evaluateOnNewDocument(() => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('denied', 'SecurityError');
        },
      });
    });
    await page.goto(test.put(test.html()));
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });

  it('is counted in a private window', async () => {
    const test = world.scenario();
    const context = await world.launched.browser.createBrowserContext();
    const page = await context.newPage();
    await page.goto(test.put(test.html()));
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(await storage(page)).toEqual(EMPTY);
    await context.close();
  });
});
