/**
 * What is behind a change: the rows that contributed most, each a filter to click. Fetched on
 * demand.
 */
import '../styles/lower.css';
import { useEffect, useRef } from 'preact/hooks';
import type { ChangesQuery } from '../api/types.ts';
import { DIMENSIONS, type Dimension, toggleValue, toWire } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { QuestionFailure } from '../ui/QuestionFailure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';
import { useAnswer } from '../ui/useAnswer.ts';
import { ChangeTexts, useTexts } from './texts.ts';

const dimensionOf = (name: string): Dimension | null =>
  DIMENSIONS.find((dimension) => dimension === name.replace(/^\w+:/, '')) ?? null;

export function WhyDialog({ onClose }: { onClose: () => void }) {
  return (
    <ChangeTexts>
      <Dialog onClose={onClose} />
    </ChangeTexts>
  );
}

function Dialog({ onClose }: { onClose: () => void }) {
  const { store, t, fmt } = useApp();
  const w = useTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  const { metric: shown, filters } = store.view.value;
  // Only metrics that add up have contributors.
  const metric = shown === 'visits' || shown === 'pageviews' ? shown : 'visitors';
  const { range } = store.days.value;
  const beforeRange = store.plan.value.find(({ slot }) => slot === 'totals-before')?.query.date_range;
  const question: ChangesQuery = {
    site_id: store.site.value?.id ?? '',
    metric,
    date_range: range ? [range.from, range.to] : 'all',
    ...(beforeRange ? { comparison: { mode: 'custom' as const, date_range: beforeRange } } : {}),
    filters: filters.map(toWire),
  };
  const { known, retry } = useAnswer(JSON.stringify(question), (signal) =>
    store.client.changes(question, signal),
  );
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog is-small"
      aria-labelledby="why-title"
      data-testid="why"
      onClose={onClose}
    >
      <h2 id="why-title">{w('why.title', { metric: t(`metric.${metric}`) })}</h2>
      {known.status === 'loading' && <SkeletonRows />}
      {known.status === 'failed' && <QuestionFailure failure={known.failure} retry={retry} />}
      {known.status === 'ready' && (
        <>
          <p class="muted">
            {w('why.total', {
              now: fmt.count(known.value.total.now ?? 0),
              before: fmt.count(known.value.total.before ?? 0),
            })}
          </p>
          {known.value.contributors.length === 0 && <p>{w('why.none')}</p>}
          <div class="why-scroll">
            <table class="list">
              <caption class="sr">{w('why.title', { metric: t(`metric.${metric}`) })}</caption>
              <thead>
                <tr>
                  <th scope="col">{w('why.what')}</th>
                  <th scope="col" class="num">
                    {w('why.now')}
                  </th>
                  <th scope="col" class="num">
                    {w('why.before')}
                  </th>
                  <th scope="col" class="num">
                    {w('why.difference')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {known.value.contributors.map((row) => {
                  const dimension = dimensionOf(row.dimension);
                  // A dimension that is filtered by repeats the total.
                  const isFiltered = filters.some((one) => one.dimension === dimension && one.op === 'is');
                  if (!dimension || isFiltered) return null;
                  const name = fmt.name(dimension, row.value);
                  return (
                    <tr key={`${dimension} ${row.value}`} data-name={row.value} data-value={row.difference}>
                      <th scope="row">
                        <button
                          type="button"
                          class="row-name"
                          title={`${t(`dimension.${dimension}`)}: ${name}`}
                          onClick={() => {
                            store.go({ filters: toggleValue(filters, dimension, row.value) });
                            dialog.current?.close();
                          }}
                        >
                          {name} <span class="muted why-kind">{t(`dimension.${dimension}`)}</span>
                        </button>
                      </th>
                      <td class="num">{fmt.count(row.now)}</td>
                      <td class="num">{fmt.count(row.before)}</td>
                      <td class="num">{fmt.signed(row.difference)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
          <p class="muted">{w('why.overlap')}</p>
        </>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          {w('why.close')}
        </button>
      </div>
    </dialog>
  );
}
