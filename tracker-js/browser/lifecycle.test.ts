import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Launched, launchChromium } from './harness/chromium';
import type { Stored } from './harness/collector';
import { engagedTimes, names, type Scenario, until, useWorld, wait } from './harness/scenario';

const world = useWorld(100);

const TALL = '<div style="height:3000px">tall</div>';
const engagementOf = (events: readonly Stored[]) => events.find(({ name }) => name === 'engagement');

/**
 * Opens a page and waits for its pageview. `since` is the start of the measurement on the page's
 * clock.
 */
const open = async (body = '', below = '') => {
  const test = world.scenario();
  test.put('<!doctype html><title>next</title>next', '/next');
  const page = await world.open(test.put(test.html(body), below));
  await test.stored(1);
  return { test, page };
};

/** Age of the page in ms. The tracker starts a few milliseconds after it. */
const age = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const script = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/api/event'));
    return performance.now() - (script?.startTime ?? 0);
  });

/** Tolerance of an engagement, in milliseconds. */
const NEAR = 150;

// Starts before the other tests, in a separate browser, and is checked after them.
const HIDDEN_MS = 90_000;
const long: { other?: Launched; test?: Scenario; page?: Page; front?: Page; expected?: number; since?: number } = {};
beforeAll(async () => {
  const other = await launchChromium(world.site.port);
  const test = world.scenario();
  const page = await other.browser.newPage();
  await page.goto(test.put(test.html()));
  await test.stored(1);
  await wait(300);
  const expected = await age(page);
  const front = await other.browser.newPage();
  await test.stored(2);
  Object.assign(long, { other, test, page, front, expected, since: performance.now() });
});
afterAll(() => long.other?.close());

describe('5 the back-forward cache', () => {
  it('keeps the page; the return is a new view with a new id and clock', async () => {
    const { test, page } = await open();
    await wait(400);
    await page.goto(`${world.site.origin()}${test.path}/next`);
    await test.stored(2);
    await wait(600);
    const back = performance.now();
    await page.goBack();
    await test.stored(3);
    expect(
      await page.evaluate(() => performance.getEntriesByType('navigation')[0]?.toJSON().notRestoredReasons ?? null),
    ).toBe(null);
    await wait(300);
    await page.goto(`${world.site.origin()}${test.path}/next`);
    // A clock without a reset would include the time before going back.
    const longest = performance.now() - back;
    const events = await test.stored(4);
    const views = events.filter(({ name }) => name === 'pageview');
    expect(new Set(views.map(({ key }) => key)).size).toBe(2);
    const [, again] = engagedTimes(test);
    expect(again).toBeGreaterThan(150);
    expect(again).toBeLessThan(longest);
  });
});

describe('6 a prerendered page', () => {
  const opener = (to: string) => `<!doctype html><title>opener</title>
    <script type=speculationrules>{"prerender":[{"source":"list","urls":["${to}"],"eagerness":"immediate"}]}</script><a href="${to}">go</a>`;

  it('is counted when it is shown, once, and not before', async () => {
    const test = world.scenario();
    const activated = `<script>document.addEventListener('prerenderingchange', () => fetch('${test.path}/activated'))</script>`;
    test.put(test.html(activated), '/ahead');
    const page = await world.launched.browser.newPage();
    await page.goto(test.put(opener(`${test.path}/ahead`), '/opener'));
    await until('the page ahead is made', () => world.site.served.includes(`${test.path}/ahead`));
    await wait(1000);
    expect(test.requests()).toEqual([]);
    await page.evaluate(() => document.querySelector('a')?.click()).catch(() => {});
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(world.site.served.filter((path) => path.startsWith(test.path))).toEqual(
      ['/opener', '/ahead', '/activated'].map((below) => test.path + below),
    );
  });

  it('that is never shown is not counted', async () => {
    const test = world.scenario();
    test.put(test.html(), '/ahead');
    const page = await world.open(test.put(opener(`${test.path}/ahead`), '/opener'));
    await until('the page ahead is made', () => world.site.served.includes(`${test.path}/ahead`));
    await wait(1000);
    await page.goto('about:blank');
    await wait(400);
    expect(test.requests()).toEqual([]);
  });
});

describe('7 a background tab', () => {
  it('is counted when it is shown', async () => {
    const test = world.scenario();
    const url = test.put(test.html());
    const front = await world.open(test.put('<!doctype html>front', '/front'));
    const session = await world.launched.browser.target().createCDPSession();
    const { targetId } = await session.send('Target.createTarget', { url, background: true });
    await wait(800);
    expect(test.requests()).toEqual([]);
    await session.send('Target.activateTarget', { targetId });
    expect(names(await test.stored(1))).toEqual(['pageview']);
    await front.close();
  });
});

describe('8 the end of a visit', () => {
  it.each<[string, (page: Page, next: string) => Promise<unknown>]>([
    ['closing the tab', (page) => page.close()],
    ['going elsewhere', (page, next) => page.goto(next)],
    ['going elsewhere by script', (page, next) => page.evaluate((url) => location.assign(url), next)],
  ])('by %s sends the engaged time', async (_how, leave) => {
    const { test, page } = await open();
    await wait(500);
    const expected = await age(page);
    await leave(page, `${world.site.origin()}${test.path}/next`);
    expect(names(await test.stored(2)).sort()).toEqual(['engagement', 'pageview']);
    const [engaged] = engagedTimes(test);
    expect(engaged).toBeGreaterThan(expected - NEAR);
    expect(engaged).toBeLessThan(expected + NEAR);
  });

  it('by reload sends it, and the reloaded page is a new view', async () => {
    const { test, page } = await open();
    await wait(300);
    await page.reload();
    expect(names(await test.stored(3)).sort()).toEqual(['engagement', 'pageview', 'pageview']);
  });

  it('by a crash of the renderer sends what was left with the browser', async () => {
    const { test, page } = await open();
    await wait(5300);
    page.on('error', () => {});
    page.goto('chrome://crash').catch(() => {});
    expect(engagementOf(await test.stored(2))).toBeDefined();
    expect(engagedTimes(test)[0]).toBeGreaterThan(4500);
  });

  // A quitting browser may drop requests, which no page can prevent: one of three must arrive.
  it('by quitting the browser sends what was left with it', { timeout: 60_000 }, async () => {
    for (let left = 2; ; left--) {
      const test = world.scenario();
      const other = await launchChromium(world.site.port);
      const page = await other.browser.newPage();
      await page.goto(test.put(test.html()));
      await test.stored(1);
      await wait(5300);
      await other.close();
      const stored = await test.stored(2).catch((cause) => {
        if (left === 0) throw cause;
        return null;
      });
      if (!stored) continue;
      expect(engagementOf(stored)).toBeDefined();
      expect(engagedTimes(test)[0]).toBeGreaterThan(4500);
      return;
    }
  });

  it('time in the background and out of focus adds nothing', async () => {
    const { test, page } = await open();
    await wait(300);
    const expected = await age(page);
    const front = await world.open('about:blank');
    expect(engagementOf(await test.stored(2))).toBeDefined();
    const [hidden = 0] = engagedTimes(test);
    expect(hidden).toBeGreaterThan(expected - NEAR);
    await wait(1500);
    await front.close();
    await page.bringToFront();
    await wait(200);
    await page.close();
    await until('a later engagement', () => (engagedTimes(test)[0] ?? 0) > hidden);
    expect(engagedTimes(test)[0]).toBeLessThan(expected + 1000);
  });

  // The steps of discarding, since Chromium does not discard pages with a debugger.
  it('by discarding a frozen tab in the background loses nothing', async () => {
    const { test, page } = await open();
    await wait(400);
    const expected = await age(page);
    const session = await page.createCDPSession();
    await world.open('about:blank');
    await test.stored(2);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await wait(500);
    page.on('error', () => {});
    session.send('Page.crash').catch(() => {});
    await wait(500);
    expect(engagementOf(await test.stored(2))).toBeDefined();
    expect(engagedTimes(test)[0]).toBeGreaterThan(expected - NEAR);
    expect(engagedTimes(test)[0]).toBeLessThan(expected + 1000);
  });

  it('a frozen tab that is shown again continues', async () => {
    const { test, page } = await open();
    await wait(300);
    const session = await page.createCDPSession();
    const front = await world.open('about:blank');
    await test.stored(2);
    const [before = 0] = engagedTimes(test);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await wait(500);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await front.close();
    await page.bringToFront();
    await wait(400);
    await page.close();
    await until('a later engagement', () => (engagedTimes(test)[0] ?? 0) > before);
    expect(names(await test.stored(2)).sort()).toEqual(['engagement', 'pageview']);
  });

  it('a change of the computer’s time of day does not matter', async () => {
    const { test, page } = await open();
    await page.evaluate(() => {
      Date.now = () => 8.64e13;
    });
    await wait(300);
    const expected = await age(page);
    await page.close();
    expect(engagementOf(await test.stored(2))).toBeDefined();
    expect(engagedTimes(test)[0]).toBeLessThan(expected + NEAR);
  });
});

describe('9 scroll depth', () => {
  const depth = async (body: string, act?: (page: Page) => Promise<unknown>, doctype = true) => {
    const test = world.scenario();
    const html = test.html(body);
    const page = await world.open(test.put(doctype ? html : html.replace('<!doctype html>', '')));
    await test.stored(1);
    await act?.(page);
    await wait(200);
    await page.close();
    return engagementOf(await test.stored(2))?.scroll;
  };
  const scrolling = (share: number) => async (page: Page) => {
    await page.evaluate((part) => scrollTo(0, (document.documentElement.scrollHeight - innerHeight) * part), share);
    await wait(100);
    await page.evaluate(() => scrollTo(0, 0));
  };

  it('of a short page is all of it', async () => expect(await depth('short')).toBe(100));
  it('of a tall page is what came into view, also after scrolling back', async () => {
    const height = await depth(TALL);
    expect(height).toBeLessThan(35);
    expect(await depth(TALL, scrolling(1))).toBe(100);
    const half = await depth(TALL, scrolling(0.5));
    expect(half).toBeGreaterThan(50);
    expect(half).toBeLessThan(75);
  });
  it('of a page that grows later is measured on the full page', async () => {
    const late = await depth('short', (page) =>
      page.evaluate((html) => void document.body.insertAdjacentHTML('beforeend', html), TALL),
    );
    expect(late).toBeLessThan(35);
  });
  it('of a page in quirks mode is measured as well', async () => {
    expect(await depth(TALL, scrolling(1), false)).toBe(100);
    expect(await depth(TALL, undefined, false)).toBeLessThan(35);
  });
});

describe('8 after ninety seconds in the background', () => {
  it('the engaged time of the page has not grown', { timeout: HIDDEN_MS + 20_000 }, async () => {
    const { test, page, front, expected = 0, since = 0 } = long;
    if (!test || !page || !front) return expect.unreachable('the page was not opened');
    await wait(HIDDEN_MS - (performance.now() - since));
    await front.close();
    await page.bringToFront();
    await page.close();
    await wait(400);
    expect(engagementOf(await test.stored(2))).toBeDefined();
    expect(engagedTimes(test)[0]).toBeGreaterThan(expected - NEAR);
    expect(engagedTimes(test)[0]).toBeLessThan(expected + 1000);
  });
});
