import { useApp } from '../ui/context.ts';
import { Delta } from '../ui/Delta.tsx';
import { headlines } from '../viewmodels/headlines.ts';
import { readyValue } from '../viewmodels/known.ts';

/** The numbers in large type; each is a button that puts it on the chart. */
export function Headlines() {
  const { store, t, fmt } = useApp();
  const view = store.view.value;
  const hasBefore = store.hasEarlier();
  const list = headlines({
    totals: store.known('totals'),
    totalsBefore: hasBefore ? store.known('totals-before') : null,
    engaged: store.known('engaged'),
    engagedBefore: hasBefore ? store.known('engaged-before') : null,
  });
  return (
    <div class="headlines">
      {list.map(({ metric, value, before, change }) => {
        const number = readyValue(value);
        return (
          <button
            key={metric}
            type="button"
            class="headline"
            aria-pressed={view.metric === metric}
            title={t(`metric.hint.${metric}`)}
            data-testid={`metric-${metric}`}
            data-value={number ?? undefined}
            onClick={() => store.go({ metric })}
          >
            <span class="headline-label">{t(`metric.${metric}`)}</span>
            {value.status === 'loading' ? (
              <span class="skeleton headline-skeleton">
                <span class="sr">{t('state.loading')}</span>
              </span>
            ) : (
              <span
                class={
                  value.status === 'ready' && value.isStale ? 'headline-value is-stale' : 'headline-value'
                }
              >
                {value.status === 'failed' ? '–' : fmt.metric(metric, number)}
              </span>
            )}
            <span class="headline-change">
              {hasBefore && value.status === 'ready' && <Delta change={change} />}
              {before !== null && <span class="muted headline-before">{fmt.metric(metric, before)}</span>}
            </span>
          </button>
        );
      })}
    </div>
  );
}
