import { describe, expect, it } from 'vitest';
import { launchChromium } from './harness/chromium';
import { names, ORDER, paths, until, useWorld } from './harness/scenario';

const world = useWorld(0);

describe('1 a plain load', () => {
  it.each([
    ['deferred', { defer: '' }],
    ['async', { defer: undefined, async: '' }],
    ['blocking', { defer: undefined }],
    ['a module', { type: 'module' }],
  ])('of a script that is %s is one pageview', async (_how, attributes) => {
    const test = world.scenario();
    await world.open(test.put(test.html('', { attributes })));
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });

  it('of a script added by a tag manager, no attributes, is one pageview', async () => {
    const test = world.scenario();
    const html = `<!doctype html><script>
      sillageConfig = { site: '${test.site}' };
      window.sillage = window.sillage || function () { (sillage.q = sillage.q || []).push(arguments) };
      sillage('consent', true);
      document.head.append(Object.assign(document.createElement('script'), { src: '${world.site.origin('stats.test')}/s.js' }));
    </script>`;
    await world.open(test.put(html));
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });

  it('of two copies on a page is one pageview', async () => {
    const test = world.scenario();
    await world.open(test.put(test.html(test.tag())));
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });

  it('on a page with an element called sillage is one pageview', async () => {
    const test = world.scenario();
    const bare = `<script src="${world.site.origin('stats.test')}/s.js" data-site="${test.site}"></script>`;
    const page = await world.open(test.put(`<!doctype html><div id=sillage></div><div id=sillageConfig></div>${bare}`));
    expect(await page.evaluate('typeof window.sillage')).toBe('function');
    expect(test.requests()).toHaveLength(1);
  });
});

describe('2 settings', () => {
  it('by the global object and by attributes: the attribute wins', async () => {
    const test = world.scenario();
    const html = `<!doctype html><script>sillageConfig = { site: 'nobody.test', policy: '7' }</script>${test.tag()}`;
    await world.open(test.put(html));
    await until('a request', () => test.requests().length === 1);
    expect(JSON.parse(test.requests()[0]?.body ?? '')).toMatchObject({ d: test.site, cv: '7' });
  });
});

describe('3 calls before the script has loaded', () => {
  it('follow the pageview, in order', async () => {
    const test = world.scenario();
    const calls = `${ORDER}<script>sillage('A', { props: { x: 1 } }); sillage('B')</script>`;
    const page = await world.open(test.put(test.html(calls)));
    const events = await test.stored(3);
    expect(names(events).sort()).toEqual(['A', 'B', 'pageview']);
    expect(await page.evaluate('order')).toEqual(['pageview', 'A', 'B']);
    expect(events.find(({ name }) => name === 'A')?.props).toEqual({ x: '1' });
  });
});

describe('16 the collector', () => {
  it('on another origin gets no preflight, and its cookie is sent', async () => {
    const test = world.scenario();
    await world.open(test.put(test.html("<script>sillage('A')</script>")));
    await test.stored(2);
    expect(world.site.log.filter(({ method }) => method === 'OPTIONS')).toEqual([]);
    expect(test.requests().map(({ headers }) => headers['content-type'])).toEqual([
      'text/plain;charset=UTF-8',
      'text/plain;charset=UTF-8',
    ]);
  });

  it('on the page’s own origin, behind a path, is one pageview', async () => {
    const test = world.scenario();
    await world.open(test.put(test.html('', { attributes: { 'data-api': '/stats/api/event' } })));
    await test.stored(1);
    expect(test.requests()[0]).toMatchObject({ url: '/stats/api/event' });
    expect(test.requests()[0]?.headers.host).toMatch(/^shop\.test/);
  });
});

describe('16 the collector behind TLS', () => {
  it.each(['http', 'https'])('is reached from a page over %s; going to the other is a second view', async (scheme) => {
    const test = world.scenario();
    const { site } = world;
    const other = await launchChromium(site.port, ['--ignore-certificate-errors']);
    try {
      const src = `${site.secureOrigin('stats.test')}/s.js`;
      test.put(test.html('', { attributes: { src } }), '/next');
      test.put(test.html('<a id=it>next</a>', { attributes: { src } }));
      const [from, to] = [site.origin(), site.secureOrigin('shop.test')];
      const [first, second] = scheme === 'http' ? [from, to] : [to, from];
      const page = await other.browser.newPage();
      await page.goto(first + test.path);
      await test.stored(1);
      await page.evaluate((url) => location.assign(url), `${second}${test.path}/next`);
      expect(names(await test.stored(3)).sort()).toEqual(['engagement', 'pageview', 'pageview']);
      const sent = test.requests().map(({ body }) => JSON.parse(body));
      expect(sent.filter(({ n }) => n === 'pageview').map(({ u }) => new URL(u).protocol)).toEqual(
        [first, second].map((origin) => new URL(origin).protocol),
      );
      expect(site.log.filter(({ method }) => method === 'OPTIONS')).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('16 and 19 the page', () => {
  it('under an international name is counted', async () => {
    const test = world.scenario();
    test.put(test.html());
    await world.open(`${world.site.origin('bücher.test')}${test.path}`);
    expect(names(await test.stored(1))).toEqual(['pageview']);
    expect(new URL(JSON.parse(test.requests()[0]?.body ?? '').u).hostname).toBe('xn--bcher-kva.test');
  });

  it('under an address with a name and a password keeps both', async () => {
    const test = world.scenario();
    await world.open(test.put(test.html()).replace('://', '://taro:SECRET@'));
    await test.stored(1);
    expect(JSON.stringify(test.requests().map(({ body, headers }) => [body, headers]))).not.toContain('SECRET');
  });
});

describe('17 inside a frame', () => {
  it.each([
    ['of the same origin', (url: string) => `<iframe src="${url}"></iframe>`, 'shop.test'],
    ['of another origin', (url: string) => `<iframe src="${url}"></iframe>`, 'embed.test'],
    [
      'that is sandboxed, where storage throws',
      (url: string) => `<iframe sandbox="allow-scripts" src="${url}"></iframe>`,
      'embed.test',
    ],
  ])('%s the page counts as itself, without an error', async (_what, frame, host) => {
    const test = world.scenario();
    const errors: string[] = [];
    test.put(test.html(), '/inner');
    const page = await world.launched.browser.newPage();
    page.on('pageerror', (error) => errors.push(`${error}`));
    await page.goto(test.put(`<!doctype html>${frame(`${world.site.origin(host)}${test.path}/inner`)}`));
    expect(paths(await test.stored(1))).toEqual([`${test.path}/inner`]);
    expect(errors).toEqual([]);
  });

  it('without an address of its own nothing is sent, and nothing breaks', async () => {
    const test = world.scenario();
    const errors: string[] = [];
    const page = await world.launched.browser.newPage();
    page.on('pageerror', (error) => errors.push(`${error}`));
    await page.goto(test.put(`${test.html()}<iframe srcdoc='${test.tag().replaceAll("'", '&#39;')}'></iframe>`));
    expect(paths(await test.stored(1))).toEqual([test.path]);
    expect(errors).toEqual([]);
  });
});
