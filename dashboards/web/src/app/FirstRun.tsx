/**
 * No data in the period: a new site gets its snippet and a checklist, a quiet one a longer period.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api/client.ts';
import type { QueryResponse } from '../api/types.ts';
import { outcomeText } from '../panels/QualityStrip.tsx';
import { useApp } from '../ui/context.ts';
import { failureText } from '../ui/Failure.tsx';

export function FirstRun() {
  const { store, t } = useApp();
  const site = store.site.value?.id ?? '';
  const [answer, setAnswer] = useState<Answer<QueryResponse> | null>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const stop = new AbortController();
    setAnswer(null);
    store.client
      .query({ site_id: site, metrics: ['pageviews'], date_range: 'all' }, stop.signal)
      .then(setAnswer)
      .catch(() => {
        // Aborted: another site was chosen or the first visit arrived.
      });
    return () => stop.abort();
  }, [site, store, attempt]);

  if (answer === null) return <div class="card notice-card" aria-busy="true" />;
  if (!answer.ok) {
    return (
      <section class="card notice-card" role="alert">
        <p>{failureText(answer.failure, t)}</p>
        <button type="button" class="button is-main" onClick={() => setAttempt(attempt + 1)}>
          {t('error.retry')}
        </button>
      </section>
    );
  }
  if ((answer.value.results[0]?.metrics[0] ?? 0) > 0) {
    return (
      <section class="card notice-card" data-testid="quiet">
        <h1>{t('quiet.title')}</h1>
        <p class="muted">{t('quiet.body')}</p>
        <button
          type="button"
          class="button is-main"
          onClick={() => store.go({ period: 'all', custom: null, interval: null })}
        >
          {t('quiet.all')}
        </button>
      </section>
    );
  }
  return <Waiting site={site} />;
}

function Waiting({ site }: { site: string }) {
  const { store, t } = useApp();
  const [copied, setCopied] = useState<'not yet' | 'copied' | 'refused'>('not yet');
  const line = useRef<HTMLElement>(null);
  const script = `${location.origin}/s.js`;
  const profile = store.site.value?.profile;
  const [answer, setAnswer] = useState<Answer<string> | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    setAnswer(null);
    void store.client.snippet(site, location.origin).then((got) => isCurrent && setAnswer(got));
    return () => {
      isCurrent = false;
    };
  }, [site, store, attempt]);
  const snippet = answer?.ok ? answer.value : '';
  const copy = async (): Promise<'copied' | 'refused'> => {
    try {
      // Over plain HTTP, browsers allow the clipboard on loopback addresses only.
      await navigator.clipboard.writeText(snippet);
      return 'copied';
    } catch {
      if (line.current) getSelection()?.selectAllChildren(line.current);
      return 'refused';
    }
  };
  const dropped = Object.entries(store.quality.value?.dropped ?? {}).filter(([, count]) => count > 0);
  const refused = dropped.reduce((sum, [, count]) => sum + count, 0);
  return (
    <section class="card notice-card first-run" data-testid="first-run">
      <h1>{t('first.title', { site })}</h1>
      <p>{t('first.body')}</p>
      {answer && !answer.ok && (
        <p class="notice is-trouble" role="alert">
          {failureText(answer.failure, t)}{' '}
          <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>
            {t('error.retry')}
          </button>
        </p>
      )}
      <div class="snippet" aria-busy={answer === null} hidden={answer !== null && !answer.ok}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box needs keys */}
        <pre tabIndex={0}>
          <code ref={line}>{snippet}</code>
        </pre>
        <button type="button" class="button is-main" onClick={() => void copy().then(setCopied)}>
          {t(copied === 'copied' ? 'first.copied' : 'first.copy')}
        </button>
      </div>
      {copied === 'refused' && <p role="status">{t('first.notCopied')}</p>}
      {profile === 'consent' && <p>{t('first.consent')}</p>}
      <p class="first-waiting" role="status">
        <span class="live-dot is-on" aria-hidden="true" /> {t('first.waiting')}
      </p>
      {refused > 0 && (
        <p class="notice is-trouble" role="alert">
          {t('first.refused', { n: refused })}{' '}
          {dropped.map(([outcome, count]) => `${outcomeText(outcome, t)} ${count}`).join(', ')}
        </p>
      )}
      <h2>{t('first.checkTitle')}</h2>
      <ol>
        <li>{t('first.check1')}</li>
        <li>{t('first.check2', { script })}</li>
        <li>{t('first.check3', { site })}</li>
      </ol>
    </section>
  );
}
