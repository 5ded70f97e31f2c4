// A page for the tracker in happy-dom, with clock, focus, visibility and network under the test's
// control.

import { afterEach, beforeEach, vi } from 'vitest';
import { readOptions } from '../config';
import { type Sillage, start } from '../tracker';
import type { Beacon, Config } from '../types';

export const ENDPOINT = 'https://collector.example/api/event';

/** What the network does with the next requests. A number is the status of the answer. */
export type Network = 'accepts' | 'is down' | 'is overloaded' | 'throws' | number;

export interface TestPage {
  /** Beacons that arrived. */
  readonly sent: Beacon[];
  /** Requests made, arrived or not. */
  readonly requests: { readonly url: string; readonly init: RequestInit }[];
  /** Beacons left with the browser and not taken back. */
  readonly left: () => Beacon[];
  network: Network;
  readonly start: (config?: Config, queue?: Iterable<[unknown, unknown?]>) => Sillage;
  readonly show: () => void;
  readonly hide: () => void;
  readonly focus: (isFocused: boolean) => void;
  readonly goTo: (url: string) => void;
  /** Waits until requests have finished. */
  readonly settle: () => Promise<void>;
}

/** Creates a page before each test and removes it afterwards, with the tracker's listeners. */
export const usePage = (): TestPage => {
  let isHidden = false;
  let isFocused = true;
  let left: { body: string; signal: AbortSignal }[] = [];
  const { pushState, replaceState } = history;

  const page: TestPage = {
    sent: [],
    requests: [],
    left: () => left.filter(({ signal }) => !signal.aborted).map(({ body }) => JSON.parse(body)),
    network: 'accepts',
    start: (config = {}, queue = []) => {
      const sillage = start(readOptions(undefined, { site: 'example.com', ...config }), ENDPOINT, queue);
      vi.advanceTimersByTime(0);
      return sillage;
    },
    show: () => {
      isHidden = false;
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    },
    hide: () => {
      isHidden = true;
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    },
    focus: (has) => {
      isFocused = has;
      dispatchEvent(new Event(has ? 'focus' : 'blur'));
    },
    goTo: (url) => history.pushState({}, '', url),
    settle: async () => {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };

  beforeEach(() => {
    isHidden = false;
    isFocused = true;
    left = [];
    page.sent.length = page.requests.length = 0;
    page.network = 'accepts';
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
    vi.advanceTimersByTime(1000);
    vi.spyOn(document, 'hidden', 'get').mockImplementation(() => isHidden);
    vi.spyOn(document, 'hasFocus').mockImplementation(() => isFocused);
    vi.spyOn(navigator, 'webdriver', 'get').mockReturnValue(false);
    vi.spyOn(window, 'addEventListener');
    vi.spyOn(document, 'addEventListener');
    vi.stubGlobal('fetch', (url: string | URL, init: RequestInit) => {
      if (page.network === 'throws') throw new TypeError('fetch was replaced');
      page.requests.push({ url: `${url}`, init });
      if (page.network === 'is down') return Promise.reject(new TypeError('Failed to fetch'));
      if (page.network === 'is overloaded') return Promise.resolve({ status: 503 });
      if (typeof page.network === 'number') return Promise.resolve({ status: page.network });
      page.sent.push(JSON.parse(init.body as string));
      return Promise.resolve({ status: 202 });
    });
    vi.stubGlobal('fetchLater', (_url: string, init: RequestInit) => {
      left.push({ body: init.body as string, signal: init.signal as AbortSignal });
    });
    history.replaceState({}, '', '/start');
  });

  afterEach(() => {
    for (const target of [window, document]) {
      for (const [type, listener, options] of vi.mocked(target.addEventListener).mock.calls) {
        target.removeEventListener(type, listener as EventListener, options);
      }
    }
    vi.clearAllTimers();
    vi.useRealTimers();
    history.pushState = pushState;
    history.replaceState = replaceState;
    localStorage.clear();
    document.body.innerHTML = '';
  });
  return page;
};

/** Names of beacons, to compare their order. */
export const names = (beacons: readonly Beacon[]): string[] => beacons.map(({ n }) => n);
