import { csvName, csvOf, saveCsv } from '../csv.ts';
import type { App } from '../shell/context.ts';
import { readyValue } from '../view/slot.ts';

/** The chart's numbers as a file: exactly the line that is drawn, and the one it is compared with. */
export function saveChartCsv({ store, t }: App): void {
  const series = readyValue(store.series.peek());
  if (!series) return;
  const { range, before } = store.days.peek();
  const name = t(`metric.${series.metric}`);
  const header = [
    t('chart.when'),
    name,
    ...(before ? [t('chart.when'), `${name}, ${t('chart.before')}`] : []),
  ];
  const rows = series.points
    .filter((point) => !point.isFuture)
    .map((point) => [
      point.label,
      point.value,
      ...(before ? [point.before?.label ?? null, point.before?.value ?? null] : []),
    ]);
  saveCsv(csvName([store.site.peek()?.id, series.metric, range?.from, range?.to]), csvOf(header, rows));
}
