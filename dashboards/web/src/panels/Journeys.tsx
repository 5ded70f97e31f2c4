import { toggleValue } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { PanelFailure } from '../ui/Failure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';

/** Rows drawn. */
const ROWS = 8;

/** The most common steps from one page to the next. */
export function Journeys() {
  const { store, t, fmt } = useApp();
  const known = store.known('journeys');
  // Leaving the site is not a step; the list of exit pages shows it.
  const rows = (known.status === 'ready' ? known.value.results : [])
    .filter((row) => row.dimensions[1] !== '' && row.dimensions[1] !== '(exit)')
    .slice(0, ROWS);
  const largest = Math.max(0, ...rows.map((row) => row.metrics[0] ?? 0));
  return (
    <section class="card panel" aria-labelledby="panel-journeys" data-testid="panel-journeys">
      <div class="panel-head">
        <h2 id="panel-journeys">{t('panel.journeys')}</h2>
      </div>
      <div class="panel-body is-short">
        {known.status === 'loading' && <SkeletonRows />}
        {known.status === 'failed' && <PanelFailure failure={known.failure} />}
        {known.status === 'ready' && rows.length === 0 && (
          <p class="panel-message muted">{t('panel.none')}</p>
        )}
        {rows.length > 0 && (
          <table class="list is-journeys">
            <caption class="sr">{t('panel.journeys')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('journeys.from')}</th>
                <th scope="col">{t('journeys.to')}</th>
                <th scope="col" class="num">
                  {t('metric.visits')}
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => {
                const [from = '', to = ''] = row.dimensions;
                const count = row.metrics[0] ?? 0;
                return (
                  <tr key={`${from}\n${to}`} data-name={`${from} > ${to}`} data-value={count}>
                    <th scope="row">
                      <span
                        class="bar"
                        style={{ '--bar': String(largest > 0 ? count / largest : 0) }}
                        aria-hidden="true"
                      />
                      <button
                        type="button"
                        class="row-name"
                        title={t('filter.byRow', { name: from })}
                        onClick={() =>
                          store.go({ filters: toggleValue(store.view.peek().filters, 'page', from) })
                        }
                      >
                        {from}
                      </button>
                    </th>
                    <td class="journey-to">
                      <span class="row-name" title={to}>
                        <span class="muted" aria-hidden="true">
                          →{' '}
                        </span>
                        {to}
                      </span>
                    </td>
                    <td class="num">{fmt.count(count)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}
