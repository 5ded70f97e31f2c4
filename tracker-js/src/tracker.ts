// The tracker: decides what is counted and when it is sent.
//
// Place: connects the other modules. A pageview, a click or a call becomes an event, waits until
// the page has been seen and consent allows it, and goes to `send`. Invariants: a page that was
// never visible is not counted; under `consent: 'wait'` nothing leaves before a yes; after a no
// nothing leaves except the no itself, once per page, so that the collector removes its cookie even
// if a consent tool has reloaded the page; no exception reaches the page.

import { cameFrom, isRefused, isVisible, randomId } from './browser';
import { createReader } from './clicks';
import { createEngagement } from './engagement';
import { guard } from './guard';
import { watchNavigation } from './navigation';
import { createCleaner } from './payload';
import { createSender } from './send';
import type { Beacon, EventOptions, ExtraFields, Option } from './types';

/** Maximum number of events that wait for consent or for the page to be seen. */
export const HELD_MAX = 50;
/** Interval at which the engagement record left with the browser is renewed, in milliseconds. */
export const RENEW_INTERVAL_MS = 5000;

/** The function that pages call. It never throws. */
export interface Sillage {
  /**
   * Only `true` is a yes. `'wait'` sends nothing until the next choice, and reports nothing to the
   * collector.
   */
  (name: 'consent', granted: boolean | 'wait'): void;
  (name: 'pageview', options?: { readonly u?: string }): void;
  (name: string, options?: EventOptions): void;
  /** Calls made before the script loaded. */
  q?: Iterable<[unknown, unknown?]>;
  /**
   * Fields that the second file adds to the current pageview's engagement. A new pageview starts
   * without any.
   */
  x?: ExtraFields;
}

/**
 * Starts counting and returns the function that pages call. `queue` holds their earlier calls.
 */
export const start = (option: Option, endpoint: string | URL, queue: Iterable<[unknown, unknown?]>): Sillage => {
  if (!location.host || isRefused(option)) return () => {};

  const site = option('site') || option('domain');
  const engagement = createEngagement();
  const sender = createSender(endpoint);
  const clean = createCleaner(option, location);

  /** The visitor's choice: 1 yes, 0 no, undefined no choice. */
  let consent: 0 | 1 | undefined;
  let isSeen: boolean | undefined;
  let held: Beacon[] = [];
  /**
   * Address, referrer and id of the current pageview. Empty before the first one and after a no.
   */
  let page: Pick<Beacon, 'u' | 'r' | 'k'> = {};
  /** Engaged milliseconds last sent for this pageview. Without more, there is nothing to send. */
  let reported = 0;

  const send = (event: Beacon, isLeft?: boolean) => {
    if (consent === 0) return;
    if (!isSeen || (option('consent') && !consent)) {
      if (!isLeft && held.length < HELD_MAX) held.push(event);
    } else {
      let beacon: Beacon | null | undefined | false = {
        ...event,
        d: site,
        h: option('hash') && 1,
        w: innerWidth,
        c: consent,
        cv: option('policy'),
        b: navigator.webdriver ? 1 : undefined,
      };
      let hook: unknown = option('beforeSend');
      hook = window[hook as never] || hook;
      if (hook) beacon = (hook as (beacon: Beacon) => Beacon)(beacon);
      if (beacon) sender.post(beacon, isLeft);
    }
  };

  const emit = (n: string, options: EventOptions = {}) =>
    send({
      n,
      u: page.u || clean(),
      r: page.r,
      k: randomId(),
      p: options.props,
      $: options.revenue,
      i: options.interactive,
    });

  /** Sends the current pageview's engagement, or leaves it with the browser. */
  const report = (isLeft?: boolean) => {
    const e = engagement.tick();
    if (page.k && e > reported) {
      sender.takeBack();
      if (!isLeft) reported = e;
      send({ n: 'engagement', ...page, e, sd: engagement.look(), ...call.x }, isLeft);
    }
  };

  const view = (isNew?: unknown, href?: string) => {
    const u = clean(href);
    if (consent !== 0 && (isNew === 1 || u !== page.u)) {
      report();
      page = { u, r: page.u || cameFrom() || undefined, k: randomId() };
      reported = 0;
      call.x = {};
      engagement.tick(true);
      send({ n: 'pageview', ...page });
    }
  };

  const viewUnasked = (isNew?: unknown) => {
    if (isSeen && !option('manual')) view(isNew);
  };

  /**
   * Sends the held events, after a pageview if there is none yet or a no has reset it.
   */
  const release = () => {
    const rest = held.splice(0);
    if (!page.u) viewUnasked();
    rest.map((event) => send(event));
  };

  const attend = (event?: Event) => {
    engagement.tick();
    if (!isVisible()) report();
    else if (!isSeen) {
      isSeen = true;
      release();
    }
    // A page restored from the back-forward cache is a new pageview.
    if ((event as PageTransitionEvent)?.persisted) viewUnasked(1);
  };

  const call: Sillage = guard((name: unknown, value?: unknown) => {
    if (name === 'consent') {
      if (value === true) {
        consent = 1;
        release();
      } else {
        sender.drop();
        held = [];
        page = {};
        // The script cannot see the cookie: each page that receives a no reports it once, and the
        // collector removes the cookie.
        if (value !== 'wait' && consent !== 0) sender.post({ n: name, u: location.origin, c: 0, d: site });
        consent = 0;
      }
    } else if (name === 'pageview') view(1, (value as EventOptions)?.u);
    else emit(name as string, value as EventOptions);
  });
  call.x = {};
  for (const args of queue) call(...(args as [string]));

  const listen = (types: string, handler: (event: Event) => void) =>
    types.split(' ').map((type) => addEventListener(type, guard(handler), true));
  listen('visibilitychange prerenderingchange pageshow focus blur', attend);
  listen('scroll', engagement.look);
  listen('online', sender.repost);
  listen('click auxclick submit', createReader(emit));
  watchNavigation(guard(viewUnasked));
  setInterval(guard(report), RENEW_INTERVAL_MS, true);
  // Not immediately, so that it does not delay the parser. The layout may be done by then.
  setTimeout(guard(attend));
  return call;
};
