// Requests to the collector.
//
// Place: last; gets what may be sent. Invariants: one simple request an event (no preflight:
// text/plain, no header set), which outlives the page; nothing is thrown, nothing is said on the
// console; a failed event waits in memory, at most RETRIES_MAX of them, until the browser is online
// again or another event has got through. Each event carries an id, so a retry that had arrived
// counts once. Credentials go along because the measurement cookie is the collector's own.

import type { Beacon } from './types';

/** Failed events that are held for a retry. */
export const RETRIES_MAX = 20;

export interface Sender {
  /**
   * Sends `beacon`, or (`isLeft`) leaves it with the browser, to be sent when the page ends in
   * whatever way.
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
        // biome-ignore lint/suspicious/noAssignInExpressions: each byte counts
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
