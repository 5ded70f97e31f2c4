import { csvName, csvOf, saveCsv } from '../format/csv.ts';
import type { App } from '../ui/context.ts';
import { readyValue } from '../viewmodels/known.ts';
import { notesOf } from '../viewmodels/notes.ts';

/** Downloads the chart as CSV: the line, the line it is compared with, and the notes. */
export function saveChartCsv({ store, t }: App): void {
  const series = readyValue(store.series.peek());
  if (!series) return;
  const { range, before } = store.days.peek();
  const notes = notesOf(series, store.notes.peek());
  const hasNotes = notes.size > 0;
  const name = t(`metric.${series.metric}`);
  const header = [
    t('chart.when'),
    name,
    ...(before ? [t('chart.when'), `${name}, ${t('chart.before')}`] : []),
    ...(hasNotes ? [t('notes.label')] : []),
  ];
  const noted = (index: number) => (notes.get(index) ?? []).map(({ text }) => text).join('; ');
  const rows = series.points
    .map((point, index) => ({ point, index }))
    .filter(({ point }) => !point.isFuture)
    .map(({ point, index }) => [
      point.label,
      point.value,
      ...(before ? [point.before?.label ?? null, point.before?.value ?? null] : []),
      ...(hasNotes ? [noted(index)] : []),
    ]);
  saveCsv(csvName([store.site.peek()?.id, series.metric, range?.from, range?.to]), csvOf(header, rows));
}
