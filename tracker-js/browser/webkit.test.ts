import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  engagedTimes,
  names,
  ORDER,
  paths,
  type Scenario,
  type TagOptions,
  until,
  useSite,
  wait,
} from './harness/scenario';
import { launchWebKit, type WebKit } from './harness/webkit';

// WebKitGTK 2.50 has no Navigation API, so the tracker patches history here.
describe('WebKitGTK', () => {
  // A name below localhost needs no resolver and is a secure context.
  const world = useSite(420, 'localhost');
  let webkit: WebKit;
  beforeAll(async () => {
    webkit = await launchWebKit();
  });
  afterAll(() => webkit?.close());

  const DRIVEN = '<script>Object.defineProperty(Navigator.prototype, "webdriver", { get: () => false })</script>';
  const open = async (body = '', options: TagOptions = {}) => {
    const test = world.scenario();
    test.put('<!doctype html><title>next</title>next', '/next');
    await webkit.goTo(test.put(DRIVEN + test.html(body, options)));
    return { test, next: `${world.site.origin()}${test.path}/next` };
  };
  const viewPaths = async (test: Scenario, count: number) => {
    const views = async () => (await world.site.stored(test.site)).filter(({ name }) => name === 'pageview');
    await until(`${count} views`, async () => (await views()).length >= count);
    await wait(250);
    return paths(await views())
      .map((path) => path.replace(test.path, ''))
      .sort();
  };

  it('1 a plain load is one pageview, without a preflight', async () => {
    const { test } = await open();
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(world.site.log.filter(({ method }) => method === 'OPTIONS')).toEqual([]);
  });

  it('3 calls before the script has loaded follow the pageview', async () => {
    const { test } = await open(`${ORDER}<script>sillage('A'); sillage('B')</script>`);
    await test.stored(3);
    expect(await webkit.run('return order')).toEqual(['pageview', 'A', 'B']);
  });

  it('4 pushes, replaces and going back are views, by the patched history', async () => {
    const { test } = await open();
    expect(await webkit.run('return typeof navigation + /native code/.test(`${history.pushState}`)')).toBe(
      'undefinedfalse',
    );
    await webkit.run(`const { pathname } = location; history.pushState({}, '', pathname + '/b');
      history.replaceState({}, '', pathname + '/b'); history.pushState({}, '', pathname + '/c?token=SECRET')`);
    await webkit.run('history.back()');
    expect(await viewPaths(test, 4)).toEqual(['', '/b', '/b', '/c']);
    expect(JSON.stringify(test.requests().map(({ body }) => body))).not.toContain('SECRET');
  });

  it('8 leaving sends the engaged time', async () => {
    const { test, next } = await open();
    await test.stored(1);
    await wait(600);
    await webkit.goTo(next);
    const engagement = (await test.stored(2)).find(({ name }) => name === 'engagement');
    expect(engagedTimes(test)[0]).toBeGreaterThan(400);
    expect(engagement?.scroll).toBe(100);
  });

  it('10 a click on a link that leads away is stored', async () => {
    const { test, next } = await open(
      `<a id=it href="http://other.localhost:1/out?token=SECRET" onclick="event.preventDefault()">out</a>`,
    );
    await test.stored(1);
    await webkit.click('#it');
    await webkit.goTo(next);
    await until('the click', async () => names(await world.site.stored(test.site)).includes('outbound'));
    expect(JSON.stringify(test.requests().map(({ body }) => body))).not.toContain('SECRET');
  });

  it('11 consent is waited for, given, and withdrawn', async () => {
    const { test, next } = await open('', { isGranted: false, attributes: { 'data-consent': 'wait' } });
    await wait(500);
    expect(test.requests()).toEqual([]);
    await webkit.run("sillage('consent', true)");
    expect(names(await test.stored(1))).toEqual(['pageview']);
    await webkit.run("sillage('consent', false); sillage('A')");
    await webkit.goTo(next);
    await wait(400);
    expect(
      test
        .requests()
        .map(({ body }) => JSON.parse(body))
        .map(({ n, c }) => [n, c]),
    ).toEqual([
      ['pageview', 1],
      ['consent', 0],
    ]);
  });

  it('2 settings come from the global object and attributes; attributes win', async () => {
    const test = world.scenario();
    const config = `<script>sillageConfig = { site: 'nobody.test', policy: '1' }</script>`;
    await webkit.goTo(test.put(DRIVEN + config + test.html()));
    await test.stored(1);
    expect(JSON.parse(test.requests()[0]?.body ?? '')).toMatchObject({ d: test.site, cv: '1' });
  });

  it('9 scroll depth is the lowest line that came into view', async () => {
    const depth = async (code: string) => {
      const { test, next } = await open('<div style="height:9000px">tall</div>');
      await test.stored(1);
      await webkit.run(code);
      await wait(500);
      await webkit.goTo(next);
      return (await test.stored(2)).find(({ name }) => name === 'engagement')?.scroll;
    };
    expect(await depth('')).toBeLessThan(35);
    expect(await depth('scrollTo(0, 9000)')).toBe(100);
  });

  it('13 a missing collector causes no error', async () => {
    const watch = '<script>errors = 0; onerror = onunhandledrejection = () => { errors++ }</script>';
    const { test } = await open(watch, { attributes: { 'data-api': 'http://shop.localhost:9/api/event' } });
    await webkit.run("sillage('A'); history.pushState({}, '', '?b')");
    await wait(400);
    expect(await webkit.run('return errors')).toBe(0);
    expect(test.requests()).toEqual([]);
    const control = await open();
    expect(names(await control.test.stored(1))).toEqual(['pageview']);
  });

  it('15 a strict policy with a nonce has no violation', async () => {
    const test = world.scenario();
    const policy = `default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; img-src *; connect-src ${world.site.origin('stats.test')}`;
    const watch = `<script>violations = 0; addEventListener('securitypolicyviolation', () => violations++)</script>`;
    const html = (DRIVEN + watch + test.html()).replaceAll('<script', '<script nonce=abc');
    await webkit.goTo(test.put(html, '', { 'content-security-policy': policy }));
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(await webkit.run('return violations')).toBe(0);
  });

  it('16 a collector on the page’s own origin, behind a path, works', async () => {
    const { test } = await open('', { attributes: { 'data-api': '/stats/api/event' } });
    await test.stored(1);
    expect(test.requests()[0]).toMatchObject({ url: '/stats/api/event' });
  });

  it('17 a sandboxed frame without storage counts as its own page', async () => {
    const test = world.scenario();
    test.put(DRIVEN + test.html(), '/inner');
    const frame = `<iframe sandbox="allow-scripts" src="${world.site.origin()}${test.path}/inner"></iframe>`;
    await webkit.goTo(test.put(`<!doctype html>${frame}`));
    expect(paths(await test.stored(1))).toEqual([`${test.path}/inner`]);
  });

  it('19 secrets in address and fragment stay in the page', async () => {
    const test = world.scenario();
    await webkit.goTo(`${test.put(DRIVEN + test.html())}?token=SECRET&utm_source=mail#SECRET`);
    await test.stored(1);
    const bodies = test.requests().map(({ body }) => body);
    expect(JSON.parse(bodies[0] ?? '').u).toMatch(/\?utm_source=mail$/);
    expect(bodies.join()).not.toContain('SECRET');
  });

  it('12 an automated browser is not counted', async () => {
    const test = world.scenario();
    await webkit.goTo(test.put(test.html()));
    await wait(500);
    expect(await webkit.run('return navigator.webdriver')).toBe(true);
    expect(test.requests()).toEqual([]);
  });

  it('18 nothing is stored', async () => {
    const { test } = await open();
    await test.stored(1);
    expect(await webkit.run('return document.cookie + localStorage.length + sessionStorage.length')).toBe('00');
  });
});
