/** Parts of the page that are fetched when somebody needs them, so that the first view is small. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from './context.ts';

/** How far below the window a part is fetched already, so that scrolling finds it there. */
const AHEAD = '500px';

/** Shows what `load` gives once it is there; a part that can't be fetched says so, and can be asked for again. */
export function Lazy<P extends object>(props: {
  load: () => Promise<ComponentType<P>>;
  with: P;
  /** Of the place while the part is on its way. */
  class?: string;
}) {
  const { t } = useApp();
  const [part, setPart] = useState<ComponentType<P> | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  // The loader is written where it is used, and is another function each time; the part is the
  // same.
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

/** The same, once the reader has come near to its place. */
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
