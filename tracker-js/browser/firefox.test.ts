import { afterEach, describe, expect, it } from 'vitest';
import { launchFirefox } from './harness/firefox';
import { engagedTimes, names, ORDER, paths, type Scenario, until, useWorld, wait } from './harness/scenario';

describe('Firefox', () => {
  const world = useWorld(350, () => launchFirefox());
  afterEach(async () => {
    const [, ...pages] = await world.launched.browser.pages();
    for (const page of pages) await page.close();
  });
  const open = async (body = '', options = {}) => {
    const test = world.scenario();
    test.put('<!doctype html><title>next</title>next', '/next');
    const page = await world.open(test.put(test.html(body, options)));
    return { test, page, next: `${world.site.origin()}${test.path}/next` };
  };

  it('1 a plain load is one pageview, without a preflight', async () => {
    const { test } = await open();
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(world.site.log.filter(({ method }) => method === 'OPTIONS')).toEqual([]);
  });

  it('3 calls before the script has loaded follow the pageview', async () => {
    const { page, test } = await open(`${ORDER}<script>sillage('A'); sillage('B')</script>`);
    await test.stored(3);
    expect(await page.evaluate('order')).toEqual(['pageview', 'A', 'B']);
  });

  it('4 pushes, replaces and going back are views, the same address is not', async () => {
    const { test, page } = await open();
    await test.stored(1);
    await page.evaluate(() => {
      const { pathname } = location;
      history.pushState({}, '', `${pathname}/b`);
      history.replaceState({}, '', `${pathname}/b`);
      history.pushState({}, '', `${pathname}/c?token=SECRET`);
    });
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          addEventListener('popstate', resolve, { once: true });
          history.back();
        }),
    );
    const views = async () => (await world.site.stored(test.site)).filter(({ name }) => name === 'pageview');
    await until('four views', async () => (await views()).length >= 4);
    await wait(250);
    expect(
      paths(await views())
        .map((path) => path.replace(test.path, ''))
        .sort(),
    ).toEqual(['', '/b', '/b', '/c']);
    expect(JSON.stringify(test.requests().map(({ body }) => body))).not.toContain('SECRET');
  });

  it('5 going back to a page in the back-forward cache is a new view', async () => {
    const persisted =
      "<script>addEventListener('pageshow', (event) => event.persisted && fetch(location.pathname + '/kept'))</script>";
    const { test, page, next } = await open(persisted);
    await test.stored(1);
    await page.goto(next);
    // The driver's own `goBack` waits for a load, which does not happen here.
    await page.evaluate(() => history.back()).catch(() => {});
    await until('the page is back', () => world.site.served.includes(`${test.path}/kept`));
    await until('the second view', async () => {
      const views = (await world.site.stored(test.site)).filter(({ name }) => name === 'pageview');
      return new Set(views.map(({ key }) => key)).size === 2;
    });
  });

  it('8 leaving and closing send the engaged time', async () => {
    const told = async (test: Scenario) => {
      const engagement = (await test.stored(2)).find(({ name }) => name === 'engagement');
      expect(engagedTimes(test)[0]).toBeGreaterThan(400);
      expect(engagement?.scroll).toBe(100);
    };
    const left = await open();
    await left.test.stored(1);
    await wait(600);
    await left.page.goto(left.next);
    await told(left.test);

    // Firefox 153 loses a few of the requests that a page starts while its tab is closed. With
    // three busy loops in parallel, a bare page that only calls fetch (keepalive) when it becomes
    // hidden lost 5 of 220, with sendBeacon 1 of 120. The event itself fired every time (150 of 150
    // with a synchronous request, and none was lost after it). So one of three must arrive.
    for (let tries = 1; ; tries++) {
      const { test, page } = await open();
      await test.stored(1);
      await wait(600);
      await page.close();
      const end = performance.now() + 2000;
      while (test.requests().length < 2 && performance.now() < end) await wait(25);
      if (test.requests().length < 2 && tries < 3) continue;
      await told(test);
      break;
    }
  });

  it('10 a click on a link that leads away is stored', async () => {
    const { test, page } = await open('<a id=it href="http://other.test/out?token=SECRET">out</a>');
    await test.stored(1);
    await page.click('#it');
    const isKept = async () => names(await world.site.stored(test.site)).includes('outbound');
    await until('the click', isKept);
    const events = await world.site.stored(test.site);
    expect(events.find(({ name }) => name === 'outbound')).toMatchObject({ props: { host: 'other.test' } });
    expect(JSON.stringify(test.requests().map(({ body }) => body))).not.toContain('SECRET');
  });

  it('11 consent is waited for, given, and withdrawn', async () => {
    const { test, page } = await open('', { isGranted: false, attributes: { 'data-consent': 'wait' } });
    await wait(500);
    expect(test.requests()).toEqual([]);
    await page.evaluate("sillage('consent', true)");
    expect(names(await test.stored(1))).toEqual(['pageview']);
    await page.evaluate("sillage('consent', false); sillage('A')");
    await page.close();
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
    const html = `<!doctype html><script>sillageConfig = { site: 'nobody.test', policy: '1' }</script>${test.tag()}`;
    await world.open(test.put(html));
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(JSON.parse(test.requests()[0]?.body ?? '')).toMatchObject({ d: test.site, cv: '1' });
  });

  it('9 scroll depth is the lowest line that came into view', async () => {
    const { test, page, next } = await open('<div style="height:9000px">tall</div>');
    await test.stored(1);
    await page.evaluate(() => scrollTo(0, 9000));
    await wait(100);
    await page.evaluate(() => scrollTo(0, 0));
    await wait(300);
    await page.goto(next);
    expect((await test.stored(2)).find(({ name }) => name === 'engagement')?.scroll).toBe(100);
    const short = await open('<div style="height:9000px">tall</div>');
    await short.test.stored(1);
    await wait(300);
    await short.page.goto(short.next);
    expect((await short.test.stored(2)).find(({ name }) => name === 'engagement')?.scroll).toBeLessThan(35);
  });

  it('15 a strict policy with a nonce has no violation', async () => {
    const test = world.scenario();
    const policy = `default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; img-src *; connect-src ${world.site.origin('stats.test')}`;
    const watch = `<script>violations = 0; addEventListener('securitypolicyviolation', () => violations++)</script>`;
    const html = (watch + test.html()).replaceAll('<script', '<script nonce=abc');
    const page = await world.open(test.put(html, '', { 'content-security-policy': policy }));
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(await page.evaluate('violations')).toBe(0);
  });

  it('16 a collector on the page’s own origin, behind a path, works', async () => {
    const { test } = await open('', { attributes: { 'data-api': '/stats/api/event' } });
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(test.requests()[0]).toMatchObject({ url: '/stats/api/event' });
  });

  it('17 and 18 a sandboxed frame without storage counts as its own page', async () => {
    const test = world.scenario();
    const html = test
      .html()
      .replace(
        '<!doctype html>',
        '<!doctype html><script>Object.defineProperty(Navigator.prototype, "webdriver", { get: () => false })</script>',
      );
    test.put(html, '/inner');
    const frame = `<iframe sandbox="allow-scripts" src="${world.site.origin('embed.test')}${test.path}/inner"></iframe>`;
    const page = await world.open(test.put(`<!doctype html>${frame}`));
    expect(paths(await test.stored(1))).toEqual([`${test.path}/inner`]);
    expect(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length')).toBe('00');
  });

  it('19 secrets in address, fragment and fields stay in the page', async () => {
    const test = world.scenario();
    const url = test.put(
      test.html('<form action=/nothing><input name=card value=SECRET><button id=it>x</button></form>'),
    );
    const page = await world.open(`${url}?token=SECRET&utm_source=mail#SECRET`);
    await test.stored(1);
    await page.click('#it');
    await until('the form', async () => names(await world.site.stored(test.site)).includes('form'));
    const bodies = test.requests().map(({ body }) => body);
    expect(JSON.parse(bodies[0] ?? '').u).toMatch(/\?utm_source=mail$/);
    expect(bodies.join()).not.toContain('SECRET');
  });

  it('13 a missing collector causes no error', async () => {
    const errors: string[] = [];
    const test = world.scenario();
    const page = await world.launched.browser.newPage();
    page.on('pageerror', (error) => errors.push(`${error}`));
    await page.goto(test.put(test.html('', { attributes: { 'data-api': 'http://shop.test:9/api/event' } })));
    await page.evaluate("sillage('A')");
    await wait(400);
    expect(errors).toEqual([]);
  });
});

describe('Firefox with Global Privacy Control switched on', () => {
  const world = useWorld(380, () => launchFirefox(true));

  it('12 sends nothing; if the site ignores GPC, the collector drops it', async () => {
    const heeded = world.scenario();
    const page = await world.open(heeded.put(heeded.html()));
    expect(await page.evaluate('navigator.globalPrivacyControl')).toBe(true);
    const left = world.scenario();
    await world.open(left.put(left.html('', { attributes: { 'data-ignore-gpc': '' } })));
    await wait(600);
    expect(heeded.requests()).toEqual([]);
    expect(left.requests()).toHaveLength(1);
    expect(left.requests()[0]?.headers['sec-gpc']).toBe('1');
    expect(await left.stored(0)).toEqual([]);
  });
});
