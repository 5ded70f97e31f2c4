import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import { names, type Scenario, type TagOptions, until, useWorld, wait } from './harness/scenario';

const world = useWorld(300);

/**
 * Opens a page and collects what its scripts report: exceptions, unhandled rejections, console
 * messages.
 */
const open = async (
  test: Scenario,
  { body = '', options = {} as TagOptions, before = '', headers = {}, url = '' } = {},
): Promise<{ page: Page; complaints: string[]; violations: () => Promise<string[]> }> => {
  const complaints: string[] = [];
  const page = await world.launched.browser.newPage();
  const session = await page.createCDPSession();
  await session.send('Runtime.enable');
  session.on('Runtime.consoleAPICalled', ({ args }) => void complaints.push(`console: ${args[0]?.value}`));
  session.on('Runtime.exceptionThrown', ({ exceptionDetails }) => void complaints.push(exceptionDetails.text));
  if (before) await page.evaluateOnNewDocument(before);
  await page.evaluateOnNewDocument(() => {
    Object.assign(window, { violations: [] });
    document.addEventListener('securitypolicyviolation', (event) =>
      (window as unknown as { violations: string[] }).violations.push(event.effectiveDirective),
    );
  });
  await page.goto(
    url ||
      test.put(test.html(`${body}<button id=works onclick="this.textContent='done'">x</button>`, options), '', headers),
  );
  return {
    page,
    complaints,
    violations: () => page.evaluate(() => (window as unknown as { violations: string[] }).violations),
  };
};
/** The page still works, and its scripts reported nothing. */
const expectUnharmed = async (page: Page, complaints: string[]) => {
  await page.click('#works');
  expect(await page.$eval('#works', ({ textContent }) => textContent)).toBe('done');
  expect(complaints).toEqual([]);
};
const api = (path: string): TagOptions => ({ attributes: { 'data-api': world.site.origin('stats.test') + path } });

describe('13 a missing collector', () => {
  it.each([
    ['the script is missing', () => ({ attributes: { src: '/nothing/s.js' } })],
    ['the host has no address', () => ({ attributes: { 'data-api': 'http://nowhere.invalid/api/event' } })],
    ['nobody listens', () => ({ attributes: { 'data-api': 'http://shop.test:9/api/event' } })],
    ['it answers 404', () => api('/missing/api/event')],
    ['it answers 503', () => api('/fails/api/event')],
    ['it hangs', () => api('/hang/api/event')],
  ])('%s: the page is not affected', async (_what, options) => {
    const test = world.scenario();
    const { page, complaints } = await open(test, { options: options() });
    await page.evaluate("window.sillage && sillage('A')");
    await wait(300);
    await expectUnharmed(page, complaints);
    const control = world.scenario();
    await open(control);
    expect(names(await control.stored(1))).toEqual(['pageview']);
  });

  it('requests are blocked by an extension: the page is not affected', async () => {
    const test = world.scenario();
    const page = await world.launched.browser.newPage();
    await page.setRequestInterception(true);
    let blocked = 0;
    page.on('request', (request) => {
      if (!request.url().endsWith('/api/event')) return void request.continue();
      blocked += 1;
      void request.abort('blockedbyclient');
    });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(`${error}`));
    await page.goto(test.put(test.html('<button id=works onclick="this.textContent=\'done\'">x</button>')));
    await until('a blocked request', () => blocked === 1);
    expect(test.requests()).toEqual([]);
    await expectUnharmed(page, complaints);
  });

  it.each([
    ['fetch throws', `window.fetch = () => { throw new Error('no') }`],
    ['fetch is gone', 'delete window.fetch'],
  ])('%s: sendBeacon takes over', async (_what, before) => {
    const test = world.scenario();
    const { page, complaints } = await open(test, { before });
    expect(names(await test.stored(1))).toEqual(['pageview']);
    await expectUnharmed(page, complaints);
  });

  it.each([
    ['fetch and sendBeacon are gone', 'delete window.fetch; delete Navigator.prototype.sendBeacon'],
    ['fetch returns nothing', 'window.fetch = () => {}; delete Navigator.prototype.sendBeacon'],
    ['crypto is gone', 'delete window.crypto'],
    ['URL is gone', 'delete window.URL'],
    ['sillage cannot be set', `Object.defineProperty(window, 'sillage', { value: function () {} })`],
    ['listeners cannot be added', `window.addEventListener = () => { throw new Error('no') }`],
    ['the clock throws', `performance.now = () => { throw new Error('no') }`],
  ])('%s: the page is not affected', async (_what, before) => {
    const test = world.scenario();
    const { page, complaints } = await open(test, { before });
    await page.evaluate(() => history.pushState({}, '', '?b'));
    await wait(200);
    await expectUnharmed(page, complaints);
  });
});

describe('14 offline', () => {
  it('events wait and are sent once when the browser is online again', async () => {
    const test = world.scenario();
    const { page, complaints } = await open(test);
    await test.stored(1);
    await page.setOfflineMode(true);
    await page.evaluate(() => ['A', 'B'].forEach((name) => void window.sillage?.(name)));
    await wait(300);
    expect(names(await world.site.stored(test.site))).toEqual(['pageview']);
    await page.setOfflineMode(false);
    const events = await test.stored(3);
    expect(names(events).sort()).toEqual(['A', 'B', 'pageview']);
    await expectUnharmed(page, complaints);
  });

  it('only events of a page closed meanwhile are lost, and none counts twice', async () => {
    const test = world.scenario();
    const { page, complaints } = await open(test);
    await test.stored(1);
    await page.setOfflineMode(true);
    await page.evaluate(() => window.sillage?.('A'));
    await wait(200);
    expect(complaints).toEqual([]);
    await page.close();
    await wait(500);
    // The emulated offline state ends with its page, so events left with the browser (fetchLater)
    // or retried on leaving may still arrive.
    const left = names(await world.site.stored(test.site)).filter((name) => name !== 'engagement');
    expect([['pageview'], ['A', 'pageview']]).toContainEqual(left.sort());
  });

  it('events wait for the next one that gets through', async () => {
    const test = world.scenario();
    const { page } = await open(test);
    await test.stored(1);
    const session = await page.createCDPSession();
    await session.send('Network.enable');
    const condition = (offline: boolean) =>
      session.send('Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await page.evaluate("window.addEventListener('online', (event) => event.stopImmediatePropagation(), true)");
    await condition(true);
    await page.evaluate(() => window.sillage?.('A'));
    await wait(200);
    await condition(false);
    await page.evaluate(() => window.sillage?.('B'));
    expect(names(await test.stored(3)).sort()).toEqual(['A', 'B', 'pageview']);
  });

  it('an event whose answer was lost counts once', async () => {
    const test = world.scenario();
    const { page } = await open(test, {
      before: `{ const send = window.fetch; let first = true; window.fetch = (...args) => send(...args).then((answer) => {
      if (!first) return answer; first = false; throw new TypeError('lost') }) }`,
    });
    await wait(200);
    await page.evaluate(() => window.sillage?.('A'));
    await until('the retry', () => test.requests().length === 3);
    expect(names(await test.stored(2)).sort()).toEqual(['A', 'pageview']);
  });
});

describe('15 content security policies', () => {
  const policy = (value: string) => ({ 'content-security-policy': value });
  const stats = () => world.site.origin('stats.test');

  it('a strict policy with a nonce and Trusted Types has no violation', async () => {
    const test = world.scenario();
    const html = test.html().replaceAll('<script', '<script nonce=abc');
    const url = test.put(
      html,
      '',
      policy(
        `default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src ${stats()}; require-trusted-types-for 'script'; trusted-types 'none'`,
      ),
    );
    const { complaints, violations } = await open(test, { url });
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(await violations()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('without connect-src nothing is sent and the connection is refused', async () => {
    const test = world.scenario();
    const url = test.put(test.html(), '', policy(`default-src 'none'; script-src 'unsafe-inline' ${stats()}`));
    const { complaints, violations } = await open(test, { url });
    await wait(300);
    expect(test.requests()).toEqual([]);
    expect([...new Set(await violations())]).toEqual(['connect-src']);
    expect(complaints).toEqual([]);
  });

  it('a matching integrity hash runs the script, another one blocks it', async () => {
    const { createHash } = await import('node:crypto');
    const { readFile } = await import('node:fs/promises');
    const hash = createHash('sha384')
      .update(await readFile('dist/s.js'))
      .digest('base64');
    const visit = async (integrity: string) => {
      const test = world.scenario();
      await open(test, { options: { attributes: { integrity: `sha384-${integrity}`, crossorigin: 'anonymous' } } });
      await wait(400);
      return test.requests().length;
    };
    expect(await visit(hash)).toBe(1);
    expect(await visit(hash.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')))).toBe(0);
  });
});

describe('20 speed', () => {
  it('on a processor four times as slow the script takes under 5 ms', async () => {
    // CPU time of the thread, times four: wall-clock time would include other work on the machine.
    const evaluations: number[] = [];
    const totals: number[] = [];
    const page = await world.launched.browser.newPage();
    // A few rounds, and more if all were disturbed: other processes evict the caches, which adds
    // CPU time too.
    for (let round = 0; round < 5 || (round < 25 && Math.min(...evaluations) >= 5); round++) {
      const test = world.scenario();
      await page.tracing.start({ categories: ['devtools.timeline', 'v8'] });
      await page.goto(test.put(test.html('', { attributes: { defer: undefined } })));
      await until('the pageview', () => test.requests().length === 1);
      const trace = JSON.parse(Buffer.from((await page.tracing.stop()) ?? []).toString()) as {
        traceEvents: { name: string; tdur?: number; args: { data?: { url?: string } } }[];
      };
      const timeOf = (name: string) =>
        trace.traceEvents
          .filter((event) => event.name === name && event.args.data?.url?.endsWith('/s.js'))
          .reduce((sum, { tdur = 0 }) => sum + tdur / 1000, 0);
      evaluations.push(4 * timeOf('EvaluateScript'));
      totals.push(4 * (timeOf('EvaluateScript') + timeOf('FunctionCall')));
    }
    const show = (times: number[]) =>
      times
        .sort((a, b) => a - b)
        .map((time) => time.toFixed(1))
        .join(', ');
    console.log(
      `script on load at 4x slow-down: ${show(evaluations)} ms; with the task that sends: ${show(totals)} ms`,
    );
    expect(evaluations[0]).toBeGreaterThan(0);
    expect(evaluations[0]).toBeLessThan(5);
  }, 60_000);
});
