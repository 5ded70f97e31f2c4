/** How many visits came how far: the steps are put together here, kept for the site, and carried by the address. */
import { useEffect, useId, useState } from 'preact/hooks';
import { useWords } from '../i18n/parts/below.ts';
import { SkeletonRows } from '../lists/ListPanel.tsx';
import { toWire, wireName } from '../state/filter.ts';
import { type Funnel, STEPS_MIN, toWireFunnel, writeFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { Trouble } from '../ui/QuestionFailure.tsx';
import { useAsked } from '../ui/useAnswer.ts';
import { FunnelForm } from './FunnelForm.tsx';
import { FunnelResult } from './FunnelResult.tsx';
import { KeepForm, KeptPicker, useKeptFunnels } from './SavedFunnels.tsx';

const EMPTY: Funnel = {
  order: 'loose',
  by: null,
  steps: Array.from({ length: STEPS_MIN }, () => ({ kind: 'page', value: '' })),
};

export function FunnelPanel() {
  const { store } = useApp();
  const w = useWords();
  const id = useId();
  const { funnel, filters } = store.view.value;
  const text = funnel ? writeFunnel(funnel) : '';
  const [draft, setDraft] = useState<Funnel>(funnel ?? EMPTY);
  // The address changed: by Back, by a kept funnel, by our own button.
  useEffect(() => {
    if (funnel) setDraft(funnel);
  }, [text]);
  const site = store.site.value?.id ?? '';
  const { range } = store.days.value;
  const query = funnel && {
    ...toWireFunnel(funnel),
    site_id: site,
    date_range: range ? ([range.from, range.to] as [string, string]) : 'all',
    filters: filters.map(toWire),
    ...(funnel.by ? { dimensions: [wireName(funnel.by)] } : {}),
  };
  const { known, retry } = useAsked(query && JSON.stringify(query), async (signal) => {
    if (!query) throw new Error('asked without a funnel');
    return store.client.funnel(query, signal);
  });
  const kept = useKeptFunnels(funnel);
  const show = (next: Funnel) => store.go({ funnel: next });
  return (
    <section class="card panel" aria-labelledby={id} data-testid="panel-funnel">
      <div class="panel-head">
        <h2 id={id}>{w('funnel.title')}</h2>
      </div>
      <p class="muted below-note">{w('funnel.hint')}</p>
      <KeptPicker of={kept} shown={funnel} onPick={show} />
      <FunnelForm draft={draft} onChange={setDraft} onShow={show} />
      {funnel && known.status === 'loading' && <SkeletonRows />}
      {funnel && known.status === 'failed' && <Trouble failure={known.failure} retry={retry} />}
      {funnel && known.status === 'ready' && (
        <div class={known.isStale ? 'funnel-result is-stale' : 'funnel-result'}>
          <FunnelResult funnel={funnel} response={known.value} />
        </div>
      )}
      <KeepForm of={kept} shown={funnel} />
    </section>
  );
}
