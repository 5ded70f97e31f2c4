import { Tabs } from '../lists/Tabs.tsx';
import { tabOf } from '../state/address.ts';
import { useApp } from '../ui/context.ts';
import { PanelFailure } from '../ui/Failure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';
import { mapKnown, readyValue } from '../viewmodels/known.ts';
import { daysSince, type Step, visitNumbers } from '../viewmodels/returning.ts';

/** New and returning visitors, and visits by visit number or by days since the last visit. */
export function Returning() {
  const { store, t, fmt } = useApp();
  const tab = tabOf(store.view.value, 'returning');
  const isByDays = tab === 'days_since_seen';
  const slot = isByDays ? 'returning-days_since_seen' : 'returning-visit_number';
  const rows = mapKnown(store.known(slot), isByDays ? daysSince : visitNumbers);
  const [newVisitors, returningVisitors] = readyValue(store.known('returning'))?.results[0]?.metrics ?? [];
  const people = (newVisitors ?? 0) + (returningVisitors ?? 0);
  const returningShare = people > 0 ? (returningVisitors ?? 0) / people : null;

  const nameOf = (step: Step): string => {
    switch (step.kind) {
      case 'visit':
        return t('returning.visits', { n: step.label });
      case 'never':
        return t('returning.firstEver');
      case 'same-day':
        return t('returning.sameDay');
      case 'day-before':
        return t('returning.yesterday');
      case 'days':
        return t('returning.days', { n: step.label });
      case 'unknown':
        return t('returning.unknown');
    }
  };

  return (
    <section
      class="card panel"
      aria-labelledby="panel-returning"
      data-testid="panel-returning"
      data-tab={tab}
    >
      <div class="panel-head">
        <h2 id="panel-returning">{t('panel.returning')}</h2>
        <Tabs panel="returning" tab={tab} />
      </div>
      {returningShare !== null && (
        <div class="split" data-testid="returning-split">
          <p>
            <span>
              <span class="split-key" aria-hidden="true" /> {t('returning.new')}{' '}
              <strong data-testid="new-visitors">{fmt.count(newVisitors ?? 0)}</strong>
            </span>
            <span>
              <span class="split-key is-back" aria-hidden="true" /> {t('returning.again')}{' '}
              <strong data-testid="returning-visitors">{fmt.count(returningVisitors ?? 0)}</strong>{' '}
              <span class="muted">{fmt.percent(returningShare)}</span>
            </span>
          </p>
          <div class="split-bar" style={{ '--back': String(returningShare) }} aria-hidden="true" />
        </div>
      )}
      <div class="panel-body is-short">
        {rows.status === 'loading' && <SkeletonRows />}
        {rows.status === 'failed' && <PanelFailure failure={rows.failure} />}
        {rows.status === 'ready' && rows.value.length === 0 && (
          <p class="panel-message muted">{t('panel.none')}</p>
        )}
        {rows.status === 'ready' && rows.value.length > 0 && (
          <table class={rows.isStale ? 'list is-stale' : 'list'}>
            <caption class="sr">{t(isByDays ? 'tab.days_since_seen' : 'tab.visit_number')}</caption>
            <thead>
              <tr>
                <th scope="col">{t(isByDays ? 'tab.days_since_seen' : 'tab.visit_number')}</th>
                <th scope="col" class="num">
                  {t('metric.visits')}
                </th>
                <th scope="col" class="num">
                  %
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.value.map((row) => (
                <tr key={row.key} data-name={nameOf(row.step)} data-value={row.visits}>
                  <th scope="row">
                    <span class="bar" style={{ '--bar': String(row.bar) }} aria-hidden="true" />
                    <span class="row-name">{nameOf(row.step)}</span>
                  </th>
                  <td class="num">{fmt.count(row.visits)}</td>
                  <td class="num muted">{fmt.percent(row.share)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      <p class="panel-note muted">{t('returning.known')}</p>
    </section>
  );
}
