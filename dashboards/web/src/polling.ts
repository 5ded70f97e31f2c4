/**
 * The page's pulse: a tick every few seconds while the page is in front, and one at once when it
 * comes back. The slower the server answers, the longer the pause: an open page takes at most a
 * twentieth of its time.
 */
import type { Store } from './store.ts';

/** A new visit is on the page within this time, what it takes to be stored (about a second), and one answer. */
export const PAUSE_MS_MIN = 2_000;
/** A shared link may be open on many screens, and is allowed fewer questions. */
export const SHARED_PAUSE_MS_MIN = 10_000;
const PAUSE_MS_MAX = 30_000;
/** A pause is this many times as long as the answer before it took. */
const PAUSE_ANSWERS = 20;

/** How long to wait after a tick that took `tookMs`. */
export function pauseMs(tookMs: number, min = PAUSE_MS_MIN): number {
  return Math.min(Math.max(tookMs * PAUSE_ANSWERS, min), PAUSE_MS_MAX);
}

export function startBeats(store: Pick<Store, 'tick' | 'readAside'>, min = PAUSE_MS_MIN): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isInFront = () => document.visibilityState === 'visible';
  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(beat, ms);
  };
  const beat = async () => {
    if (!isInFront()) return;
    const begun = performance.now();
    await store.tick();
    wait(pauseMs(performance.now() - begun, min));
  };
  document.addEventListener('visibilitychange', () => {
    if (isInFront()) wait(0);
    else clearTimeout(timer);
  });
  wait(min);
  // The first numbers go first; live count and data quality follow when they have been drawn.
  setTimeout(() => {
    if (isInFront()) void store.readAside();
  }, 600);
}
