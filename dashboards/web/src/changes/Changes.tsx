import { useState } from 'preact/hooks';
import { CHANGE_TABS, ROWS_BEFORE_LIMIT, ROWS_LIMIT, TABLES } from '../query/tables.ts';
import { toggleValue } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { Lazy } from '../ui/lazy.tsx';
import { changeOf } from '../viewmodels/change.ts';
import { readyValue } from '../viewmodels/known.ts';
import { moversOf } from '../viewmodels/movers.ts';

/** "What changed": the rows that moved the number of visitors most, each a filter to click. */
export function Changes() {
  const { store, t, fmt } = useApp();
  if (!store.hasEarlier()) return null;
  const visitors = (slot: 'totals' | 'totals-before') =>
    readyValue(store.known(slot))?.results[0]?.metrics[0] ?? null;
  const now = visitors('totals');
  const before = visitors('totals-before');
  if (now === null || before === null || before === 0) return <p class="changed is-empty" />;
  const { filters } = store.view.value;
  const lists = CHANGE_TABS.flatMap((tab) => {
    const after = readyValue(store.known(`rows-${tab}`));
    const earlier = store.earlier(`before-${tab}`);
    const { dimension } = TABLES[tab];
    // A list that is filtered to one value repeats the total.
    const isNarrowed = filters.some((filter) => filter.dimension === dimension && filter.op === 'is');
    return after && earlier && !isNarrowed
      ? [
          {
            dimension,
            now: after,
            before: earlier,
            limit: tab === 'country' ? ROWS_BEFORE_LIMIT : ROWS_LIMIT,
          },
        ]
      : [];
  });
  const movers = moversOf({ lists, totalBefore: before });
  const change = changeOf('visitors', now, before);
  const direction = change.amount > 0 ? 'up' : change.amount < 0 ? 'down' : 'flat';
  return (
    <div class="changed" data-testid="changed">
      <h2 class="changed-title">{t('changed.title')}</h2>
      <strong class={`changed-headline is-${change.tone}`}>
        {t(`changed.headline.${direction}`, {
          metric: t('metric.visitors'),
          amount: fmt.change(change) ?? '',
          delta: fmt.signed(now - before),
        })}
      </strong>
      {!store.boot.link && <WhyButton />}
      <ul class="movers">
        {movers.map(({ dimension, name, delta }) => {
          const shown = fmt.name(dimension, name);
          return (
            <li key={`${dimension} ${name}`}>
              <button
                type="button"
                class="mover"
                title={t('changed.item', { name: shown, delta: fmt.signed(delta) })}
                onClick={() => store.go({ filters: toggleValue(filters, dimension, name) })}
              >
                <span class="mover-name">
                  {dimension === 'entry_page' && <span class="muted">{t('dimension.entry_page')} </span>}
                  {shown}
                </span>{' '}
                <span class={delta > 0 ? 'is-good' : 'is-bad'}>{fmt.signed(delta)}</span>
              </button>
            </li>
          );
        })}
        {movers.length === 0 && <li class="muted">{t('changed.none')}</li>}
      </ul>
    </div>
  );
}

const loadWhy = async () => (await import('./WhyDialog.tsx')).WhyDialog;

/** Opens the dialog about what is behind the change. */
function WhyButton() {
  const { t } = useApp();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="mover" data-testid="why-open" onClick={() => setOpen(true)}>
        {t('changed.why')}
      </button>
      {isOpen && <Lazy load={loadWhy} with={{ onClose: () => setOpen(false) }} class="sr" />}
    </>
  );
}
