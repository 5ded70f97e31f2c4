/**
 * How many visits reached each step. The address holds the funnel; editors can save it for the
 * site.
 */
import { useEffect, useId, useState } from 'preact/hooks';
import { toWire, wireName } from '../state/filter.ts';
import { type Funnel, STEPS_MIN, toWireFunnel, writeFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { QuestionFailure } from '../ui/QuestionFailure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';
import { useAnswer } from '../ui/useAnswer.ts';
import { FunnelForm } from './FunnelForm.tsx';
import { FunnelResult } from './FunnelResult.tsx';
import { SavedFunnelPicker, SaveFunnelForm, useSavedFunnels } from './SavedFunnels.tsx';
import { FunnelTexts, useTexts } from './texts.ts';

const EMPTY: Funnel = {
  order: 'loose',
  by: null,
  steps: Array.from({ length: STEPS_MIN }, () => ({ kind: 'page', value: '' })),
};

export function FunnelPanel() {
  return (
    <FunnelTexts loading={<div aria-busy="true" />}>
      <FunnelCard />
    </FunnelTexts>
  );
}

function FunnelCard() {
  const { store } = useApp();
  const w = useTexts();
  const id = useId();
  const { funnel, filters } = store.view.value;
  const text = funnel ? writeFunnel(funnel) : '';
  const [draft, setDraft] = useState<Funnel>(funnel ?? EMPTY);
  // The address has another funnel: by Back, by a saved funnel or by the form.
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
  const { known, retry } = useAnswer(query && JSON.stringify(query), async (signal) => {
    if (!query) throw new Error('asked without a funnel');
    return store.client.funnel(query, signal);
  });
  const saved = useSavedFunnels(funnel);
  const show = (next: Funnel) => store.go({ funnel: next });
  return (
    <section class="card panel" aria-labelledby={id} data-testid="panel-funnel">
      <div class="panel-head">
        <h2 id={id}>{w('funnel.title')}</h2>
      </div>
      <p class="muted lower-note">{w('funnel.hint')}</p>
      <SavedFunnelPicker of={saved} shown={funnel} onPick={show} />
      <FunnelForm draft={draft} onChange={setDraft} onShow={show} />
      {funnel && known.status === 'loading' && <SkeletonRows />}
      {funnel && known.status === 'failed' && <QuestionFailure failure={known.failure} retry={retry} />}
      {funnel && known.status === 'ready' && (
        <div class={known.isStale ? 'funnel-result is-stale' : 'funnel-result'}>
          <FunnelResult funnel={funnel} response={known.value} />
        </div>
      )}
      <SaveFunnelForm of={saved} shown={funnel} />
    </section>
  );
}
