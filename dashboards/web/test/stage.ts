/** A browser, the mock collector, and a clock that starts at 14:34 on 23 November 2026 in Tokyo. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Mock, startMock } from '../mock/server.ts';
import { launch } from './browser.ts';

export const START = new Date('2026-11-23T05:34:00Z');

export type Stage = {
  mock: Mock;
  browser: Browser;
  open: (address: string, options?: OpenOptions) => Promise<Opened>;
  /** Closes the pages that a test has opened. */
  tidy: () => Promise<void>;
  close: () => Promise<void>;
};
export type OpenOptions = {
  width?: number;
  height?: number;
  scheme?: 'light' | 'dark';
  locale?: string;
  forcedColors?: 'active';
  javaScriptEnabled?: boolean;
};
export type Opened = { page: Page; context: BrowserContext; complaints: string[] };

export async function setStage(options: { bare?: boolean } = {}): Promise<Stage> {
  const begun = Date.now();
  const now = () => new Date(START.getTime() + Date.now() - begun);
  const can = { hasEngagement: !options.bare, hasReturning: !options.bare };
  const [mock, browser] = await Promise.all([
    startMock({ now, can, dist: process.env['DIST'] ?? 'dist' }),
    launch(),
  ]);
  return {
    mock,
    browser,
    async open(address, open = {}) {
      const context = await browser.newContext({
        viewport: { width: open.width ?? 1280, height: open.height ?? 900 },
        colorScheme: open.scheme ?? 'light',
        locale: open.locale ?? 'en-GB',
        // Far from the site's zone, so that confusing the two fails a test.
        timezoneId: 'America/Los_Angeles',
        reducedMotion: 'reduce',
        javaScriptEnabled: open.javaScriptEnabled ?? true,
        ...(open.forcedColors ? { forcedColors: open.forcedColors } : {}),
      });
      await context.clock.install({ time: now() });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
          complaints.push(message.text());
        }
      });
      await page.goto(mock.url + address);
      return { page, context, complaints };
    },
    async tidy() {
      // A poll of the page may still be inside a test's route handler: ignore its end.
      const pages = browser.contexts().flatMap((context) => context.pages());
      await Promise.all(pages.map((page) => page.unrouteAll({ behavior: 'ignoreErrors' })));
      await Promise.all(browser.contexts().map((context) => context.close()));
    },
    async close() {
      await browser.close();
      await mock.close();
    },
  };
}

export const metric = (page: Page, name: string) => page.getByTestId(`metric-${name}`);

/** Waits until every number on the page answers the current view. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector('[aria-busy="true"], .skeleton, .is-stale') === null &&
      document.querySelector('#app')?.childElementCount !== 0,
  );
}

export async function rows(page: Page, panel: string): Promise<[string, number][]> {
  return page
    .getByTestId(`panel-${panel}`)
    .locator('tbody tr')
    .evaluateAll((list) =>
      list.map(
        (row) =>
          [row.getAttribute('data-name') ?? '', Number(row.getAttribute('data-value'))] as [string, number],
      ),
    );
}
