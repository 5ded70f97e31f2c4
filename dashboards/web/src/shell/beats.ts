/** The page's pulse: a tick each `REFRESH_MS` while it is in front, and one at once when it comes back. */
import { REFRESH_MS, type Store } from '../store.ts';

export function startBeats(store: Store): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const follow = () => {
    clearInterval(timer);
    if (document.visibilityState !== 'visible') return;
    timer = setInterval(() => void store.tick(), REFRESH_MS);
  };
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void store.tick();
    follow();
  });
  follow();
  // The first numbers go first; live count and data quality follow when they have been drawn.
  setTimeout(() => {
    if (document.visibilityState === 'visible') void store.readAside();
  }, 600);
}
