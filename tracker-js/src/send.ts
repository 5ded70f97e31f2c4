// Requests to the collector.
//
// Place: last; receives events that may be sent. Invariants: one simple request per event (no
// preflight: text/plain, no header set), which outlives the page; nothing is thrown or written to
// the console; failed events wait in memory, at most RETRIES_MAX, until the browser is online again
// or another event got through. Each event carries an id, so that a retry counts once. Requests
// carry credentials because the measurement cookie belongs to the collector.

import type { Beacon } from './types';

/** Maximum number of failed events that wait for a retry. */
export const RETRIES_MAX = 20;

export interface Sender {
  /**
   * Sends `beacon`, or (`isLeft`) leaves it with the browser, which sends it when the page ends in
   * any way.
   */
  readonly post: (beacon: Beacon, isLeft?: boolean) => void;
  /** Retries failed events. */
  readonly repost: () => void;
  /** Aborts the request that was left with the browser. */
  readonly takeBack: () => void;
  /** Forgets all unsent events. A request in flight that fails is not retried. */
  readonly drop: () => void;
}

export const createSender = (endpoint: string | URL): Sender => {
  let failed: Beacon[] = [];
  let left: AbortController | undefined;

  const takeBack = () => left?.abort();
  const repost = () => {
    failed.splice(0).map((beacon) => post(beacon));
  };
  const post = (beacon: Beacon, isLeft?: boolean) => {
    const body = JSON.stringify(beacon);
    const queue = failed;
    const keep = () => queue.length < RETRIES_MAX && queue.push(beacon);
    const request: RequestInit = { method: 'POST', body, credentials: 'include', keepalive: true };
    try {
      if (isLeft) {
        // biome-ignore lint/suspicious/noAssignInExpressions: saves bytes
        request.signal = (left = new AbortController()).signal;
        fetchLater(endpoint, request);
      } else fetch(endpoint, request).then((response) => (response.status > 428 ? keep() : repost()), keep);
    } catch {
      if (!isLeft) navigator.sendBeacon(endpoint, body);
    }
  };
  return {
    post,
    repost,
    takeBack,
    drop: () => {
      takeBack();
      failed = [];
    },
  };
};
