/**
 * Fetches new numbers every few seconds while the page is visible, and at once when it becomes
 * visible again. The pause grows with the response time, so that an open page keeps the server busy
 * for at most a twentieth of the time.
 */
import type { Store } from './store.ts';

/** A new visit appears within this pause, plus about a second to be stored and one response. */
export const PAUSE_MS_MIN = 2_000;
/** Shared links may be open on many screens, so they poll less often. */
export const SHARED_PAUSE_MS_MIN = 10_000;
const PAUSE_MS_MAX = 30_000;
/** A pause lasts this many times as long as the response before it. */
const PAUSE_PER_RESPONSE = 20;
/** Live count and data quality are first asked for after the first numbers have been drawn. */
const ASIDE_DELAY_MS = 600;

/** The pause after a response that took `tookMs`. */
export function pauseMs(tookMs: number, min = PAUSE_MS_MIN): number {
  return Math.min(Math.max(tookMs * PAUSE_PER_RESPONSE, min), PAUSE_MS_MAX);
}

export function startPolling(store: Pick<Store, 'refresh' | 'readLiveAndQuality'>, min = PAUSE_MS_MIN): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isVisible = () => document.visibilityState === 'visible';
  const pollAfter = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(poll, ms);
  };
  const poll = async () => {
    if (!isVisible()) return;
    const start = performance.now();
    await store.refresh();
    pollAfter(pauseMs(performance.now() - start, min));
  };
  document.addEventListener('visibilitychange', () => {
    if (isVisible()) pollAfter(0);
    else clearTimeout(timer);
  });
  pollAfter(min);
  setTimeout(() => {
    if (isVisible()) void store.readLiveAndQuality();
  }, ASIDE_DELAY_MS);
}
