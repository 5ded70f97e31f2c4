/**
 * Downloads a list as CSV: all of its rows, not only the page shown, in the order and columns
 * shown.
 */
import { useState } from 'preact/hooks';
import type { Metric } from '../api/types.ts';
import { csvName, csvOf, saveCsv } from '../format/csv.ts';
import { planDetail } from '../query/plan.ts';
import { CSV_ROWS_MAX, tableSpec } from '../query/tables.ts';
import type { Detail } from '../state/address.ts';
import { type App, useApp } from '../ui/context.ts';
import { tableFrom } from './knownTable.ts';

export function CsvButton({ detail }: { detail: Detail }) {
  const app = useApp();
  const { t } = app;
  const [state, setState] = useState<'ready' | 'busy' | Saved>('ready');
  const save = async () => {
    setState('busy');
    setState(await saveDetailCsv(app, detail));
  };
  return (
    <span class="csv">
      <button
        type="button"
        class="button"
        data-testid="csv"
        disabled={state === 'busy'}
        onClick={() => void save()}
      >
        {t(state === 'busy' ? 'detail.csvBusy' : 'detail.csv')}
      </button>
      {(state === 'failed' || state === 'cut') && (
        <span role="alert" class="is-bad">
          {state === 'cut' ? t('detail.csvCut', { n: CSV_ROWS_MAX }) : t('detail.csvFailed')}
        </span>
      )}
    </span>
  );
}

/** `cut`: the list has more rows than a file may have. */
type Saved = 'saved' | 'cut' | 'failed';

async function saveDetailCsv({ store, t, fmt }: App, detail: Detail): Promise<Saved> {
  const found = store.site.peek();
  if (!found) return 'failed';
  const { id: site, timezone } = found;
  const days = store.days.peek();
  const goals = store.goals.peek();
  const view = store.view.peek();
  const plan = planDetail({ view, site, timezone, days, goals, limit: CSV_ROWS_MAX });
  const answers = await store.client.batch(
    plan.map((p) => p.query),
    new AbortController().signal,
  );
  if (!answers.ok) return 'failed';
  // A column that could not be fetched makes the file fail, rather than be missing without a word.
  // A column that this collector does not have is not on the page either.
  const isBroken = answers.value.some((answer) => !answer.ok && answer.failure.kind !== 'refused');
  if (isBroken) return 'failed';
  const of = (slot: string) => {
    const answer = answers.value[plan.findIndex((p) => p.slot === slot)];
    return answer?.ok ? answer.value : null;
  };
  const response = of('detail');
  if (!response) return 'failed';
  const spec = tableSpec(detail.tab, view.filters, goals);
  const table = tableFrom({
    spec,
    response,
    before: store.hasEarlier() ? of('detail-before') : null,
    beforeLimit: CSV_ROWS_MAX,
    engagement: of('detail-engagement'),
    totals: null,
  });
  const heads = table.metrics.map((metric: Metric) => t(`metric.${metric}`));
  const primary = heads[0] ?? '';
  const before = table.hasChange ? [`${primary}, ${t('chart.before')}`] : [];
  const header = [t(`dimension.${spec.dimension}`), primary, ...before, ...heads.slice(1)];
  const rows = table.rows.map((row) => [
    fmt.name(spec.dimension, row.name),
    row.values[0] ?? null,
    ...(table.hasChange ? [row.before] : []),
    ...row.values.slice(1),
  ]);
  saveCsv(csvName([site, detail.tab, days.range?.from, days.range?.to]), csvOf(header, rows));
  return (response.meta.total_rows ?? 0) > rows.length ? 'cut' : 'saved';
}
