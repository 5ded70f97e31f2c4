import type { Note } from '../api/types.ts';
import { addDays, addMonths } from '../state/date.ts';
import { INTERVALS, intervalsFor } from '../state/period.ts';
import { useApp } from '../ui/context.ts';
import { PanelFailure } from '../ui/Failure.tsx';
import { notesOf } from '../viewmodels/notes.ts';
import type { Series } from '../viewmodels/series.ts';
import { Chart } from './Chart.tsx';

export function ChartCard() {
  const { store, t, fmt } = useApp();
  const view = store.view.value;
  const { range, before, interval, beforeUntil } = store.days.value;
  const series = store.series.value;
  const countingBegan = store.countingBegan.value;
  const allowed = intervalsFor(range);
  const intervals = INTERVALS.filter((one) => allowed.includes(one));

  const zoom = (label: string) => {
    const from = label.slice(0, 10);
    const to =
      interval === 'month' ? addDays(addMonths(from, 1), -1) : interval === 'week' ? addDays(from, 6) : from;
    store.go({ period: 'custom', custom: { from, to }, interval: null });
  };

  const drawSeries = (drawn: Series) => {
    const notes = notesOf(drawn, store.notes.value);
    return (
      <>
        {view.chartAs === 'line' ? (
          <Chart series={drawn} notes={notes} onZoom={interval === 'hour' ? null : zoom} />
        ) : (
          <ChartTable series={drawn} notes={notes} />
        )}
        {view.chartAs === 'line' && notes.size > 0 && (
          <ul class="chart-notes" aria-label={t('notes.label')} data-testid="notes">
            {[...notes.values()].flat().map((note) => (
              <li key={note.at + note.text}>
                <span class="muted">{fmt.day(note.at.slice(0, 10))}</span> {note.text}
              </li>
            ))}
          </ul>
        )}
      </>
    );
  };

  return (
    <div class="chart-card" data-testid="chart">
      <div class="chart-head">
        <p class="chart-legend">
          <span class="legend">{range ? fmt.range(range) : t('period.all')}</span>
          {before && (
            <span class="legend is-before">
              {beforeUntil
                ? t('compare.until', { range: fmt.range(before), time: fmt.clock(beforeUntil) })
                : fmt.range(before)}
              {countingBegan && ` · ${t('compare.begins', { date: fmt.day(countingBegan.slice(0, 10)) })}`}
            </span>
          )}
        </p>
        <div class="toggle" role="group" aria-label={t('interval.pick')}>
          {intervals.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === interval}
              onClick={() => store.go({ interval: one })}
            >
              {t(`interval.${one}`)}
            </button>
          ))}
        </div>
        <div class="toggle" role="group" aria-label={t('chart.view')}>
          {(['line', 'table'] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === view.chartAs}
              onClick={() => store.go({ chartAs: one })}
            >
              {t(`chart.${one}`)}
            </button>
          ))}
        </div>
      </div>
      <div class="chart-body">
        {series.status === 'loading' && <div class="skeleton chart-skeleton" />}
        {series.status === 'failed' && <PanelFailure failure={series.failure} />}
        {series.status === 'ready' && (
          <div class={series.isStale ? 'is-stale' : ''}>{drawSeries(series.value)}</div>
        )}
      </div>
    </div>
  );
}

function ChartTable({ series, notes }: { series: Series; notes: ReadonlyMap<number, Note[]> }) {
  const { t, fmt } = useApp();
  const { metric, interval } = series;
  const points = series.points
    .map((point, index) => ({ ...point, notes: notes.get(index) ?? [] }))
    .filter((point) => !point.isFuture);
  const hasBefore = points.some((point) => point.before);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box needs keyboard access
    <div class="chart-table" tabIndex={0} role="region" aria-label={t('chart.table')}>
      <table class="list">
        <caption class="sr">
          {t('chart.title', { metric: t(`metric.${metric}`), interval: t(`interval.${interval}`) })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t('chart.when')}</th>
            <th scope="col" class="num">
              {t(`metric.${metric}`)}
            </th>
            {hasBefore && (
              <th scope="col" class="num">
                {t('chart.before')}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {[...points].reverse().map((point) => (
            <tr key={point.label}>
              <th scope="row">
                {fmt.bucket(point.label, interval)}{' '}
                {point.isPartial && <span class="muted">({t('chart.soFar')})</span>}
                {point.notes.map((note) => (
                  <span key={note.at + note.text} class="row-note muted">
                    {note.text}
                  </span>
                ))}
              </th>
              <td class="num">{fmt.metric(metric, point.value)}</td>
              {hasBefore && (
                <td class="num muted">{point.before ? fmt.metric(metric, point.before.value) : '–'}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
