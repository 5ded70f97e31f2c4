import { describe, expect, it } from 'vitest';
import { paths, type Scenario, until, useWorld, wait } from './harness/scenario';

const world = useWorld(50);

// With the Navigation API, and without it as in older browsers, where the tracker patches history.
describe.each([
  ['with the Navigation API', ''],
  ['without the Navigation API', '<script>delete window.navigation</script>'],
])('4 inside one document, %s', (_how, before) => {
  const open = async (attributes = {}) => {
    const test = world.scenario();
    const page = await world.open(test.put(before + test.html('<a id=hash href="#part">x</a>', { attributes })));
    await test.stored(1);
    const run = (code: string) => page.evaluate(code.replaceAll('PATH', test.path));
    return { test, page, run };
  };
  /** Paths of pageviews only, without engagements. */
  const viewPaths = async (test: Scenario, count: number) => {
    const views = async () => (await world.site.stored(test.site)).filter(({ name }) => name === 'pageview');
    await until(`${count} views`, async () => (await views()).length >= count);
    await wait(250);
    // Concurrent requests may overtake each other. Their referrers show the order.
    return paths(await views())
      .map((path) => path.replace(test.path, ''))
      .sort();
  };

  it('history is patched only without the Navigation API', async () => {
    const { page } = await open();
    const isNative = await page.evaluate(() => /native code/.test(`${history.pushState}`));
    expect(isNative).toBe(before === '');
  });

  it('a push or replace is a view if the address differs', async () => {
    const { test, run } = await open();
    await run(`history.pushState({}, '', 'PATH/b'); history.pushState({}, '', 'PATH/b');
      history.replaceState({}, '', 'PATH/c'); history.replaceState({ x: 1 }, '', 'PATH/c')`);
    expect(await viewPaths(test, 3)).toEqual(['', '/b', '/c']);
  });

  it('a change of the query is a view only if the parameter is kept', async () => {
    const { test, run } = await open({ 'data-allow-query': 'page' });
    await run(`history.pushState({}, '', 'PATH?token=1'); history.replaceState({}, '', 'PATH?token=2');
      history.pushState({}, '', 'PATH?page=2&token=3')`);
    expect(await viewPaths(test, 2)).toEqual(['', '']);
    expect(test.requests().map(({ body }) => new URL(JSON.parse(body).u).search)).toContain('?page=2');
    expect(JSON.stringify(test.requests())).not.toContain('token');
  });

  it('back and forward are views', async () => {
    const { test, page, run } = await open();
    await run(`history.pushState({}, '', 'PATH/b')`);
    await page.evaluate(
      () => new Promise((resolve) => (addEventListener('popstate', resolve, { once: true }), history.back())),
    );
    await page.evaluate(
      () => new Promise((resolve) => (addEventListener('popstate', resolve, { once: true }), history.forward())),
    );
    expect(await viewPaths(test, 4)).toEqual(['', '', '/b', '/b']);
  });

  it('a fragment is a view in hash mode only', async () => {
    const plain = await open();
    await plain.page.click('#hash');
    expect(await viewPaths(plain.test, 1)).toEqual(['']);
    const hash = await open({ 'data-hash': '' });
    await hash.page.click('#hash');
    await hash.run(`location.hash = '/inbox?token=1'`);
    expect(await viewPaths(hash.test, 3)).toEqual(['', '#/inbox', '#part']);
    expect(JSON.stringify(hash.test.requests())).not.toContain('token');
  });

  it('twenty pushes in one tick are twenty views, in order', async () => {
    const { test, run } = await open();
    await run(`for (let i = 1; i <= 20; i++) history.pushState({}, '', 'PATH/' + i)`);
    const expected = ['', ...Array.from({ length: 20 }, (_, index) => `/${index + 1}`)];
    expect(await viewPaths(test, 21)).toEqual([...expected].sort());
    const views = test
      .requests()
      .map(({ body }) => JSON.parse(body))
      .filter(({ n }) => n === 'pageview');
    const from = new Map(views.map(({ u, r }) => [u, r]));
    const address = (below: string | undefined) => world.site.origin() + test.path + below;
    for (let index = 1; index <= 20; index++)
      expect(from.get(address(expected[index]))).toBe(address(expected[index - 1]));
  });
});
