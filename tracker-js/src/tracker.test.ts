import { describe, expect, it, vi } from 'vitest';
import { readOptions } from './config';
import { ENDPOINT, names, usePage } from './testing/page';
import { HELD_MAX, RENEW_INTERVAL_MS, start } from './tracker';

const page = usePage();
const last = () => page.sent[page.sent.length - 1];

describe('a pageview', () => {
  it('carries address, site, width and id', () => {
    history.replaceState({}, '', '/start?token=SECRET&utm_source=mail');
    page.start({ policy: '2026-11' });
    expect(page.sent).toEqual([
      {
        n: 'pageview',
        u: 'https://example.com/start?utm_source=mail',
        d: 'example.com',
        k: expect.stringMatching(/^\d{16,30}$/),
        w: innerWidth,
        cv: '2026-11',
      },
    ]);
  });

  it('is one simple keepalive request with the collector’s cookie', () => {
    page.start();
    expect(page.requests).toEqual([
      {
        url: ENDPOINT,
        init: {
          method: 'POST',
          body: expect.any(String),
          credentials: 'include',
          keepalive: true,
        },
      },
    ]);
  });

  it('reduces the referrer to scheme and host', () => {
    vi.spyOn(document, 'referrer', 'get').mockReturnValue('https://search.example/find?q=SECRET');
    page.start();
    expect(last()?.r).toBe('https://search.example');
  });

  it('keeps the name of a referring Android app', () => {
    vi.spyOn(document, 'referrer', 'get').mockReturnValue('android-app://org.example.mail/');
    page.start();
    expect(last()?.r).toBe('android-app://org.example.mail');
  });

  it('does not block the parser, and precedes calls made at once', () => {
    const sillage = start(readOptions(undefined, {}), ENDPOINT, []);
    sillage('A');
    expect(page.sent).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(names(page.sent)).toEqual(['pageview', 'A']);
  });

  it('waits until the page is seen', () => {
    page.hide();
    page.start();
    expect(page.sent).toEqual([]);
    page.show();
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('has the address at the time the page is seen', () => {
    page.hide();
    page.start();
    page.goTo('/redirect');
    page.goTo('/login');
    page.show();
    expect(page.sent.map(({ u }) => u)).toEqual(['https://example.com/login']);
  });

  it('waits for a prerendered page that reports itself as visible', () => {
    Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
    page.start();
    page.show();
    expect(page.sent).toEqual([]);
    Object.defineProperty(document, 'prerendering', { value: false, configurable: true });
    document.dispatchEvent(new Event('prerenderingchange'));
    expect(names(page.sent)).toEqual(['pageview']);
    Reflect.deleteProperty(document, 'prerendering');
  });

  it('is counted again when the back-forward cache restores the page', () => {
    page.start();
    dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    expect(names(page.sent)).toEqual(['pageview', 'pageview']);
    expect(page.sent[0]?.k).not.toBe(page.sent[1]?.k);
  });

  it('is not counted again by the pageshow of a first load', () => {
    page.start();
    dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('is not sent by itself in manual mode', () => {
    const sillage = page.start({ manual: true });
    page.goTo('/b');
    expect(page.sent).toEqual([]);
    sillage('pageview', { u: '/virtual?token=SECRET' });
    expect(last()?.u).toBe('https://example.com/virtual');
  });
});

describe('inside one document', () => {
  it('each new address is a view, and comes from the one before', () => {
    page.start();
    page.goTo('/b');
    history.replaceState({}, '', '/c');
    expect(page.sent.map(({ u, r }) => [u, r])).toEqual([
      ['https://example.com/start', undefined],
      ['https://example.com/b', 'https://example.com/start'],
      ['https://example.com/c', 'https://example.com/b'],
    ]);
  });

  it('the same address, a fragment or a dropped parameter is not a new view', () => {
    page.start();
    page.goTo('/start');
    page.goTo('/start#part');
    page.goTo('/start?token=1');
    page.goTo('/start?token=2');
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('a fragment is a view in hash mode', () => {
    page.start({ hash: true });
    page.goTo('/start#/b');
    expect(page.sent.map(({ u, h }) => [u, h])).toEqual([
      ['https://example.com/start', 1],
      ['https://example.com/start#/b', 1],
    ]);
  });

  it('going back is a view', () => {
    page.start();
    page.goTo('/b');
    history.replaceState = Object.getPrototypeOf(history).replaceState;
    history.replaceState({}, '', '/start');
    dispatchEvent(new Event('popstate'));
    expect(page.sent.map(({ u }) => u)).toEqual([
      'https://example.com/start',
      'https://example.com/b',
      'https://example.com/start',
    ]);
  });

  it('history is not patched if the browser has the Navigation API', () => {
    const navigation = Object.assign(new EventTarget(), { currentEntry: {} });
    vi.stubGlobal('navigation', navigation);
    const { pushState } = history;
    page.start();
    expect(history.pushState).toBe(pushState);
    page.goTo('/b');
    navigation.dispatchEvent(new Event('currententrychange'));
    expect(last()?.u).toBe('https://example.com/b');
  });

  it('an element with the id "navigation" is not used as the API', () => {
    vi.stubGlobal('navigation', document.createElement('nav'));
    page.start();
    page.goTo('/b');
    expect(last()?.u).toBe('https://example.com/b');
  });
});

describe('engagement', () => {
  it('is sent with its pageview’s id when the page is hidden', () => {
    page.start();
    vi.advanceTimersByTime(1200);
    page.hide();
    expect(last()).toMatchObject({ n: 'engagement', k: page.sent[0]?.k, e: 1200, sd: expect.any(Number) });
  });

  it('adds up over returns to the page, without hidden or unfocused time', () => {
    page.start();
    vi.advanceTimersByTime(1000);
    page.hide();
    vi.advanceTimersByTime(90_000);
    page.show();
    vi.advanceTimersByTime(500);
    page.focus(false);
    vi.advanceTimersByTime(3000);
    page.hide();
    expect(page.sent.map(({ n, e }) => [n, e])).toEqual([
      ['pageview', undefined],
      ['engagement', 1000],
      ['engagement', 1500],
    ]);
  });

  it('of a page that never had the focus is not sent', () => {
    page.start();
    page.goTo('/b');
    page.hide();
    expect(names(page.sent)).toEqual(['pageview', 'pageview']);
  });

  it('is not sent again without a change', () => {
    page.start();
    vi.advanceTimersByTime(1000);
    page.hide();
    page.hide();
    expect(names(page.sent)).toEqual(['pageview', 'engagement']);
  });

  it('of the previous page is sent when the address changes', () => {
    page.start();
    vi.advanceTimersByTime(700);
    page.goTo('/b');
    vi.advanceTimersByTime(300);
    page.hide();
    expect(page.sent.map(({ n, u, e }) => [n, u, e])).toEqual([
      ['pageview', 'https://example.com/start', undefined],
      ['engagement', 'https://example.com/start', 700],
      ['pageview', 'https://example.com/b', undefined],
      ['engagement', 'https://example.com/b', 300],
    ]);
  });

  it('carries the fields of the second file, for this pageview only', () => {
    const sillage = page.start();
    Object.assign(sillage.x ?? {}, { vl: 1200 });
    vi.advanceTimersByTime(100);
    page.goTo('/b');
    vi.advanceTimersByTime(100);
    page.hide();
    expect(page.sent.filter(({ n }) => n === 'engagement').map(({ vl }) => vl)).toEqual([1200, undefined]);
  });

  it('is left with the browser and renewed, so that a crash does not lose it', () => {
    page.start();
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    expect(page.left()).toMatchObject([{ n: 'engagement', k: page.sent[0]?.k, e: RENEW_INTERVAL_MS }]);
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    expect(page.left()).toMatchObject([{ e: 2 * RENEW_INTERVAL_MS }]);
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('is taken back from the browser when it is sent', () => {
    page.start();
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    page.hide();
    expect(page.left()).toEqual([]);
    expect(last()).toMatchObject({ n: 'engagement', e: RENEW_INTERVAL_MS });
  });

  it('is sent with fetch only if fetchLater is missing', () => {
    vi.stubGlobal('fetchLater', undefined);
    const beacon = vi.fn();
    vi.stubGlobal('navigator', { ...navigator, sendBeacon: beacon });
    page.start();
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    expect(beacon).not.toHaveBeenCalled();
    page.hide();
    expect(names(page.sent)).toEqual(['pageview', 'engagement']);
  });
});

describe('a call', () => {
  it('sends name, properties, revenue and whether it ends a bounce', () => {
    const sillage = page.start();
    sillage('Order', { props: { plan: 'pro' }, revenue: { amount: '9.90', currency: 'EUR' }, interactive: false });
    expect(last()).toMatchObject({
      n: 'Order',
      u: 'https://example.com/start',
      p: { plan: 'pro' },
      $: { amount: '9.90', currency: 'EUR' },
      i: false,
    });
    expect(last()?.k).not.toBe(page.sent[0]?.k);
  });

  it('made before the script loaded follows the pageview, in order', () => {
    page.start({}, [['A'], ['B', { props: { x: 1 } }]]);
    expect(page.sent.map(({ n, p }) => [n, p])).toEqual([
      ['pageview', undefined],
      ['A', undefined],
      ['B', { x: 1 }],
    ]);
  });

  it('never throws', () => {
    const sillage = page.start();
    const circular: Record<string, never> = {};
    Object.assign(circular, { circular });
    expect(() => sillage('A', { props: circular })).not.toThrow();
    expect(() => sillage('pageview', { u: 'http://' })).not.toThrow();
    sillage('B');
    expect(names(page.sent)).toEqual(['pageview', 'B']);
  });
});

describe('the site’s hook', () => {
  it('may change an event', () => {
    page.start({ beforeSend: (beacon) => ({ ...beacon, u: 'https://example.com/*' }) });
    expect(last()?.u).toBe('https://example.com/*');
  });

  it('may drop an event', () => {
    const sillage = page.start({ beforeSend: (beacon) => beacon.n !== 'A' && beacon });
    sillage('A');
    sillage('B');
    expect(names(page.sent)).toEqual(['pageview', 'B']);
  });

  it('may be named in an attribute', () => {
    vi.stubGlobal('scrub', () => null);
    const sillage = page.start({ beforeSend: 'scrub' });
    sillage('A');
    expect(page.sent).toEqual([]);
  });

  it('that throws sends nothing', () => {
    const sillage = page.start({
      beforeSend: () => {
        throw new Error('hook');
      },
    });
    sillage('A');
    expect(page.requests).toEqual([]);
  });
});

describe('a visit is not counted', () => {
  const navigatorWith = (fields: object) => vi.stubGlobal('navigator', { webdriver: false, ...fields });
  const startAndCall = (config = {}) => {
    page.start(config)('A');
    return names(page.sent);
  };

  it('with Global Privacy Control, unless the site ignores it', () => {
    navigatorWith({ globalPrivacyControl: true });
    expect(startAndCall()).toEqual([]);
    expect(startAndCall({ ignoreGpc: true })).toEqual(['pageview', 'A']);
  });

  it('with Do Not Track, if the site respects it', () => {
    navigatorWith({ doNotTrack: '1' });
    expect(startAndCall({ dnt: true })).toEqual([]);
    expect(startAndCall()).toEqual(['pageview', 'A']);
  });

  it('when software drives the browser; if allowed, events are marked', () => {
    navigatorWith({ webdriver: true });
    expect(startAndCall()).toEqual([]);
    expect(startAndCall({ automated: true })).toEqual(['pageview', 'A']);
    expect(last()?.b).toBe(1);
  });

  it('when the visitor left a mark in the browser’s storage', () => {
    localStorage.sillage_ignore = 'true';
    expect(startAndCall()).toEqual([]);
    localStorage.clear();
    expect(startAndCall()).toEqual(['pageview', 'A']);
  });

  it('except if the page has no access to storage', () => {
    const storage = vi.spyOn(window, 'localStorage', 'get').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    expect(startAndCall()).toEqual(['pageview', 'A']);
    storage.mockRestore();
  });
});

describe('consent', () => {
  it('is not sent without a choice', () => {
    page.start();
    expect(last()).not.toHaveProperty('c');
  });

  it('pending: nothing is sent or left with the browser', () => {
    page.start({ consent: 'wait' })('A');
    vi.advanceTimersByTime(2 * RENEW_INTERVAL_MS);
    page.hide();
    expect(page.requests).toEqual([]);
    expect(page.left()).toEqual([]);
  });

  it('given sends the held events, in order and with the consent', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('A');
    page.goTo('/b');
    sillage('B');
    sillage('consent', true);
    expect(page.sent.map(({ n, c }) => [n, c])).toEqual([
      ['pageview', 1],
      ['A', 1],
      ['pageview', 1],
      ['B', 1],
    ]);
  });

  it('given late sends the engagement from before it, too', () => {
    const sillage = page.start({ consent: 'wait' });
    vi.advanceTimersByTime(3 * RENEW_INTERVAL_MS);
    sillage('consent', true);
    expect(names(page.sent)).toEqual(['pageview']);
    page.hide();
    expect(page.sent.map(({ n, e }) => [n, e])).toEqual([
      ['pageview', undefined],
      ['engagement', 3 * RENEW_INTERVAL_MS],
    ]);
  });

  it('given twice sends nothing twice', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', true);
    sillage('consent', true);
    expect(names(page.sent)).toEqual(['pageview']);
  });

  it('given before the script loaded counts from the first event', () => {
    page.start({ consent: 'wait' }, [['A'], ['consent', true]]);
    expect(page.sent.map(({ n, c }) => [n, c])).toEqual([
      ['pageview', 1],
      ['A', 1],
    ]);
  });

  it('given while the page is hidden still waits until it is seen', () => {
    page.hide();
    page.start({ consent: 'wait' })('consent', true);
    expect(page.sent).toEqual([]);
    page.show();
    expect(names(page.sent)).toEqual(['pageview']);
  });

  const NO = { n: 'consent', u: 'https://example.com', c: 0, d: 'example.com' };

  it('refused drops held events, reports the no once and sends nothing else', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('A');
    sillage('consent', false);
    sillage('consent', false);
    sillage('B');
    page.goTo('/b');
    vi.advanceTimersByTime(2 * RENEW_INTERVAL_MS);
    page.hide();
    expect(page.sent).toEqual([NO]);
    expect(page.left()).toEqual([]);
  });

  it.each([['false'], ['denied'], ['true'], [1], [0], [null], [undefined], [{}], [[true]]])(
    'is a yes only if true: %j is a no',
    (word) => {
      const sillage = page.start({ consent: 'wait' });
      sillage('A');
      sillage('consent', word as never);
      expect(page.sent).toEqual([NO]);
    },
  );

  it('suspended sends nothing until the next choice', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', true);
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    sillage('consent', 'wait');
    sillage('A');
    page.goTo('/b');
    page.hide();
    expect(names(page.sent)).toEqual(['pageview']);
    expect(page.left()).toEqual([]);
    page.show();
    sillage('consent', true);
    expect(page.sent.map(({ n, u }) => [n, u])).toEqual([
      ['pageview', 'https://example.com/start'],
      ['pageview', 'https://example.com/b'],
    ]);
  });

  it('refused drops held events: a later yes does not restore them', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('A');
    sillage('consent', false);
    sillage('consent', true);
    expect(names(page.sent)).toEqual(['consent', 'pageview']);
  });

  it('refused before the script loaded sends no pageview', () => {
    page.start({}, [['A'], ['consent', false]]);
    page.goTo('/b');
    expect(page.sent).toEqual([NO]);
  });

  it('refused while hidden, then given, restores no earlier event', () => {
    page.hide();
    const sillage = page.start();
    sillage('consent', false);
    sillage('A');
    sillage('consent', true);
    sillage('B');
    page.show();
    expect(names(page.sent)).toEqual(['consent', 'pageview', 'B']);
  });

  it('withdrawn is reported to the collector once, and nothing else', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', true);
    sillage('consent', false);
    sillage('consent', false);
    expect(page.sent.slice(1)).toEqual([{ n: 'consent', u: 'https://example.com', c: 0, d: 'example.com' }]);
  });

  it('withdrawn aborts the copy left with the browser and leaves no new one', () => {
    const sillage = page.start();
    sillage('consent', true);
    vi.advanceTimersByTime(RENEW_INTERVAL_MS);
    expect(page.left()).toHaveLength(1);
    sillage('consent', false);
    vi.advanceTimersByTime(2 * RENEW_INTERVAL_MS);
    expect(page.left()).toEqual([]);
  });

  it('withdrawn drops failed events, and events that fail later', async () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', true);
    page.network = 'is down';
    sillage('A');
    await page.settle();
    sillage('B');
    sillage('consent', false);
    await page.settle();
    page.network = 'accepts';
    dispatchEvent(new Event('online'));
    expect(names(page.sent)).toEqual(['pageview', 'consent']);
  });

  it('given again after a no starts a new pageview with a new id', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', true);
    vi.advanceTimersByTime(900);
    sillage('consent', false);
    vi.advanceTimersByTime(100);
    sillage('consent', true);
    vi.advanceTimersByTime(50);
    page.hide();
    expect(names(page.sent)).toEqual(['pageview', 'consent', 'pageview', 'engagement']);
    expect(page.sent[2]?.k).not.toBe(page.sent[0]?.k);
    expect(last()).toMatchObject({ k: page.sent[2]?.k, e: 50 });
  });

  it('given after a no elsewhere in the document counts the current page', () => {
    const sillage = page.start({ consent: 'wait' });
    sillage('consent', false);
    page.goTo('/b');
    sillage('consent', true);
    expect(page.sent.map(({ n, u }) => [n, u])).toEqual([
      ['consent', 'https://example.com'],
      ['pageview', 'https://example.com/b'],
    ]);
  });

  it('pending holds a limited number of events', () => {
    const sillage = page.start({ consent: 'wait' });
    for (let call = 1; call < HELD_MAX + 10; call++) sillage(`A${call}`);
    sillage('consent', true);
    expect(page.sent).toHaveLength(HELD_MAX);
    expect(page.sent[0]?.n).toBe('pageview');
    expect(last()?.n).toBe(`A${HELD_MAX - 1}`);
  });
});
