// The page of a test: its site id, its address, and helpers to open it and to wait for stored
// events.

import type { Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type Launched, launchChromium } from './chromium';
import type { Stored } from './collector';
import { type Logged, type Site, startSite } from './site';

/** Attributes of the script tag. `src` and `data-site` have defaults. */
export interface TagOptions {
  readonly attributes?: { readonly [name: string]: string | undefined };
  /**
   * Gives a yes before the script loads. Default: true, so that the strictest profile stores the
   * events.
   */
  readonly isGranted?: boolean;
}

export interface Scenario {
  readonly site: string;
  /** The address of the test. More pages may be added below it. */
  readonly path: string;
  /** The script tag, with the stub before it. */
  readonly tag: (options?: TagOptions) => string;
  readonly html: (body?: string, options?: TagOptions) => string;
  /** Puts a page at the test's path plus `below`; returns its URL. */
  readonly put: (html: string, below?: string, headers?: { readonly [name: string]: string }) => string;
  /**
   * Waits until the collector has stored this number of events of the site, and a little longer for
   * unexpected events.
   */
  readonly stored: (count: number) => Promise<Stored[]>;
  readonly requests: () => Logged[];
}

export interface SiteWorld {
  readonly site: Site;
  readonly scenario: () => Scenario;
}

export interface World extends SiteWorld {
  readonly launched: Launched;
  /** Opens a URL in a new tab, in front. */
  readonly open: (url: string) => Promise<Page>;
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `check` is true. Fails with `what` after `limit` ms. */
export const until = async (what: string, check: () => boolean | Promise<boolean>, limit = 6000): Promise<void> => {
  const end = performance.now() + limit;
  while (!(await check())) {
    if (performance.now() > end) expect.unreachable(`did not happen within ${limit} ms: ${what}`);
    await wait(25);
  }
};

/** Time in which an unexpected event would arrive. */
const QUIET_MS = 250;

export const names = (events: readonly Stored[]): string[] => events.map(({ name }) => name);
export const paths = (events: readonly Stored[]): string[] => events.map(({ path }) => path);

/**
 * The largest engaged time that was sent for each pageview, in milliseconds, in the order of the
 * first report. Read from the requests, since rows hold classes of 10 s and more.
 */
export const engagedTimes = (test: Scenario): number[] => {
  const greatest = new Map<string, number>();
  for (const { body } of test.requests()) {
    const { n, k, e } = JSON.parse(body) as { n: string; k: string; e?: number };
    if (n === 'engagement') greatest.set(k, Math.max(greatest.get(k) ?? 0, e ?? 0));
  }
  return [...greatest.values()];
};

/**
 * Records the names of events in the order in which the page sends them, since concurrent requests
 * may overtake each other.
 */
export const ORDER =
  '<script>order = []; send = fetch; fetch = (url, init) => { order.push(JSON.parse(init.body).n); return send(url, init) }</script>';

/**
 * Everything that a page could have stored in the browser, except the mark that only visitors
 * set.
 */
export const storage = (page: Page) =>
  page.evaluate(async () => ({
    cookie: document.cookie,
    local: Object.keys(localStorage).filter((name) => name !== 'sillage_ignore'),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    // Exists on secure origins only.
    caches: globalThis.caches ? await caches.keys() : [],
    workers: navigator.serviceWorker ? (await navigator.serviceWorker.getRegistrations()).length : 0,
  }));
export const EMPTY = { cookie: '', local: [], session: [], databases: [], caches: [], workers: 0 };

/** A server for all tests of a file. */
export const useSite = (offset: number, domain?: string): SiteWorld => {
  const world = {} as { site: Site };
  beforeAll(async () => {
    world.site = await startSite(offset, domain);
  });
  afterAll(() => world.site?.close());

  const scenario = (): Scenario => {
    const { site } = world;
    const id = site.newSite();
    const path = `/${id}`;
    const tag: Scenario['tag'] = ({ attributes = {}, isGranted = true } = {}) => {
      const all = { src: `${site.origin('stats.test')}/s.js`, 'data-site': id, defer: '', ...attributes };
      const text = Object.entries(all)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (value === '' ? name : `${name}="${value}"`));
      return `<script>window.sillage=window.sillage||function(){(sillage.q=sillage.q||[]).push(arguments)};${isGranted ? "sillage('consent',true)" : ''}</script>
<script ${text.join(' ')}></script>`;
    };
    return {
      site: id,
      path,
      tag,
      html: (body = '', options) => `<!doctype html><meta charset=utf-8><title>t</title>${tag(options)}<body>${body}`,
      put: (html, below = '', headers) => {
        site.put(path + below, html, headers ? { headers } : {});
        return site.origin() + path + below;
      },
      stored: async (count) => {
        await until(`${count} events of ${id}`, async () => (await site.stored(id)).length >= count);
        await wait(QUIET_MS);
        const events = await site.stored(id);
        expect(events.map(({ name, path }) => `${name} ${path}`)).toHaveLength(count);
        return events;
      },
      requests: () => site.requests(id),
    };
  };
  return {
    get site() {
      return world.site;
    },
    scenario,
  };
};

/** A server and a browser for all tests of a file. */
export const useWorld = (offset: number, launch = launchChromium): World => {
  const sites = useSite(offset);
  const world = {} as { launched: Launched };
  beforeAll(async () => {
    world.launched = await launch(sites.site.port);
  });
  afterAll(() => world.launched?.close());
  // Scenario 18, in every test: nothing is stored in the browser.
  afterEach(async () => {
    const [, ...pages] = await world.launched.browser.pages();
    const kept = [];
    for (const page of pages) {
      const isOurs = page.url().startsWith(sites.site.origin());
      // A page without its renderer or its storage can't be read.
      const found = isOurs ? await Promise.race([storage(page).catch(() => undefined), wait(2000)]) : undefined;
      if (found) kept.push(found);
      await page.close().catch(() => {});
    }
    for (const found of kept) expect(found).toEqual(EMPTY);
  });
  return {
    get site() {
      return sites.site;
    },
    get launched() {
      return world.launched;
    },
    scenario: sites.scenario,
    open: async (url) => {
      const page = await world.launched.browser.newPage();
      await page.goto(url, { waitUntil: 'load' });
      return page;
    },
  };
};
