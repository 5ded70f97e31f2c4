/** Components that are fetched when they are needed, which keeps the first view small. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from './context.ts';

/** A part is fetched when it is this close to the window, so that it is there when scrolled to. */
const AHEAD = '500px';

/** Loads a component and shows it. If that fails, shows a button to try again. */
export function Lazy<P extends object>(props: {
  load: () => Promise<ComponentType<P>>;
  with: P;
  /** Class of the placeholder. */
  class?: string;
}) {
  const { t } = useApp();
  const [part, setPart] = useState<ComponentType<P> | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  // `load` is a new function on each render but always loads the same component, so the effect does
  // not depend on it.
  useEffect(() => {
    let isWanted = true;
    setFailed(false);
    props.load().then(
      (loaded) => isWanted && setPart(() => loaded),
      () => isWanted && setFailed(true),
    );
    return () => {
      isWanted = false;
    };
  }, [attempt]);
  const Part = part;
  if (Part) return <Part {...props.with} />;
  if (!hasFailed) return <div class={props.class ?? 'skeleton'} aria-busy="true" />;
  return (
    <div class="panel-message" role="alert">
      <p>{t('error.offline')}</p>
      <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>
        {t('error.retry')}
      </button>
    </div>
  );
}

/** The same, but loads only once the reader scrolls near. */
export function Near<P extends object>(props: {
  load: () => Promise<ComponentType<P>>;
  with: P;
  class?: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) setNear(true);
      },
      { rootMargin: AHEAD },
    );
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return isNear ? <Lazy {...props} /> : <div ref={place} class={props.class} />;
}
