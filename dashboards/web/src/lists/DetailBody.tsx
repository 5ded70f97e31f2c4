/** The list itself: its head with search and file, its rows, its pages. Fetched when the first list is opened. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Metric } from '../api/types.ts';
import { csvName, csvOf, saveCsv } from '../format/csv.ts';
import { planDetail } from '../query/plan.ts';
import { CSV_ROWS_MAX, DETAIL_ROWS, TABLES, tableSpec } from '../query/tables.ts';
import type { Detail } from '../state/address.ts';
import { toggleValue } from '../state/filter.ts';
import { type App, useApp } from '../ui/context.ts';
import { Delta } from '../ui/Delta.tsx';
import { FailedHere } from '../ui/Failure.tsx';
import { type Known, mapKnown, readyValue } from '../viewmodels/known.ts';
import { type Table, tableOf, totalFor } from '../viewmodels/table.ts';
import { currencyOf } from './ListPanel.tsx';

/** A search is asked for once the typing pauses this long. */
const TYPING_PAUSE_MS = 250;
/** The earlier period and the reading times are asked for this far down. */
const WIDE_LIMIT = 2000;

function tableFor(app: App, detail: Detail): Known<Table> {
  const { store } = app;
  const { metrics, reading } = tableSpec(detail.tab, store.view.value.filters, store.goals.value);
  const before = store.earlier('detail-before');
  const read = store.isPlanned('detail-reading') ? readyValue(store.known('detail-reading')) : null;
  return mapKnown(store.known('detail'), (response) =>
    tableOf({
      metrics,
      response,
      before,
      beforeLimit: WIDE_LIMIT,
      reading: reading && read ? { metrics: reading, response: read } : null,
      totalVisitors: totalFor(response, readyValue(store.known('totals'))),
    }),
  );
}

export function DetailBody({ detail, onClose }: { detail: Detail; onClose: () => void }) {
  const app = useApp();
  const { store, t, fmt } = app;
  const { tab } = detail;
  const { dimension } = TABLES[tab];
  const table = tableFor(app, detail);
  const change = (patch: Partial<Detail>, how: 'push' | 'replace' = 'push') =>
    store.go({ detail: { ...detail, page: 1, ...patch } }, how);
  const name = t(`tab.${tab}`);
  const range = store.days.value.range;
  const filters = store.view.value.filters.length;
  return (
    <div class="detail">
      <div class="detail-head">
        <div>
          <h2 id="detail-title">{name}</h2>
          <p class="muted">
            {range ? fmt.range(range) : t('period.all')}
            {filters > 0 && ` · ${t('filter.label')}: ${filters}`}
          </p>
        </div>
        <Search
          detail={detail}
          onSearch={(search) => change({ search }, 'replace')}
          label={t('detail.searchIn', { name })}
        />
        <CsvButton detail={detail} />
        <button
          type="button"
          class="button is-icon"
          aria-label={t('detail.close')}
          data-testid="detail-close"
          onClick={onClose}
        >
          <svg class="cross" viewBox="0 0 12 12" width="14" height="14" aria-hidden="true">
            <path d="m2 2 8 8M10 2 2 10" />
          </svg>
        </button>
      </div>
      <div class="detail-body">
        {table.status === 'loading' && <div class="skeleton detail-skeleton" />}
        {table.status === 'failed' && <FailedHere failure={table.failure} />}
        {table.status === 'ready' && table.value.rows.length === 0 && (
          <p class="panel-message muted">
            {detail.search ? t('detail.noMatch', { search: detail.search }) : t('panel.none')}
          </p>
        )}
        {table.status === 'ready' && table.value.rows.length > 0 && (
          <div class={table.isStale ? 'is-stale' : ''}>{drawTable(table.value)}</div>
        )}
      </div>
      {table.status === 'ready' && drawPages(table.value.totalRows)}
    </div>
  );

  function drawTable(table: Table) {
    const primary = table.metrics[0] ?? 'visitors';
    const sorted = detail.sort || primary;
    const sortable = tableSpec(tab, store.view.value.filters, store.goals.value).metrics;
    const drawHead = ({ by, label, isNumber }: { by: string; label: string; isNumber: boolean }) => {
      const isSorted = sorted === by;
      const next = isSorted && detail.direction === 'desc' ? 'asc' : 'desc';
      return (
        <th
          key={by}
          scope="col"
          class={isNumber ? 'num' : ''}
          aria-sort={isSorted ? (detail.direction === 'desc' ? 'descending' : 'ascending') : 'none'}
        >
          <button
            type="button"
            class="sort"
            title={t('detail.sortBy', { name: label })}
            onClick={() => change({ sort: by, direction: isSorted ? next : by === 'name' ? 'asc' : 'desc' })}
          >
            {label}
            <span aria-hidden="true" class="sort-mark">
              {isSorted ? (detail.direction === 'desc' ? '↓' : '↑') : ''}
            </span>
          </button>
        </th>
      );
    };
    const hasShares = table.rows.some((row) => row.share !== null);
    const others = table.metrics.map((metric, index) => ({ metric, index })).slice(1);
    return (
      <table class="list is-detail">
        <caption class="sr">{name}</caption>
        <thead>
          <tr>
            {drawHead({ by: 'name', label: t(`dimension.${dimension}`), isNumber: false })}
            {drawHead({ by: primary, label: t(`metric.${primary}`), isNumber: true })}
            {table.hasChange && (
              <th scope="col" class="num">
                {t('change.column')}
              </th>
            )}
            {hasShares && (
              <th scope="col" class="num">
                %
              </th>
            )}
            {others.map(({ metric }) =>
              sortable.includes(metric) ? (
                drawHead({ by: metric, label: t(`metric.${metric}`), isNumber: true })
              ) : (
                <th key={metric} scope="col" class="num">
                  {t(`metric.${metric}`)}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr key={row.name} data-name={row.name} data-value={row.values[0] ?? undefined}>
              <th scope="row">
                <span class="bar" style={{ '--bar': String(row.bar) }} aria-hidden="true" />
                <button
                  type="button"
                  class="row-name"
                  title={t('filter.byRow', { name: fmt.name(dimension, row.name) })}
                  disabled={row.name === '(other)'}
                  onClick={() =>
                    store.go({
                      detail: null,
                      filters: toggleValue(store.view.peek().filters, dimension, row.name),
                    })
                  }
                >
                  {fmt.name(dimension, row.name)}
                </button>
              </th>
              <td class="num">{fmt.cell(primary, row.values[0])}</td>
              {table.hasChange && (
                <td class="num">
                  <Delta change={row.change} />
                </td>
              )}
              {hasShares && <td class="num muted">{row.share === null ? '–' : fmt.percent(row.share)}</td>}
              {others.map(({ metric, index }) => (
                <td key={metric} class="num muted">
                  {metric === 'total_revenue'
                    ? fmt.money(row.values[index], currencyOf(store, tab, row.name))
                    : fmt.cell(metric, row.values[index])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    );
  }

  function drawPages(total: number) {
    const first = (detail.page - 1) * DETAIL_ROWS + 1;
    const last = Math.min(total, detail.page * DETAIL_ROWS);
    return (
      <div class="detail-foot">
        <span class="muted" role="status">
          {total > DETAIL_ROWS
            ? t('detail.range', { from: first, to: last, total })
            : t('detail.rows', { n: total })}
        </span>
        {total > DETAIL_ROWS && (
          <>
            <button
              type="button"
              class="button"
              disabled={detail.page <= 1}
              onClick={() => change({ page: detail.page - 1 })}
            >
              {t('detail.previous')}
            </button>
            <button
              type="button"
              class="button"
              disabled={last >= total}
              onClick={() => change({ page: detail.page + 1 })}
            >
              {t('detail.next')}
            </button>
          </>
        )}
      </div>
    );
  }
}

/** What is typed is the field's own: numbers that arrive meanwhile, or the address without its last space, take no letter away. */
function Search(props: { detail: Detail; label: string; onSearch: (text: string) => void }) {
  const { t } = useApp();
  const { search } = props.detail;
  const asked = useRef(search);
  const [text, setText] = useState(search);
  const onSearch = useRef(props.onSearch);
  onSearch.current = props.onSearch;

  // Back, Forward and a link change what is searched for from outside.
  useEffect(() => {
    if (search !== asked.current) setText(search);
    asked.current = search;
  }, [search]);

  useEffect(() => {
    const wanted = text.trim();
    if (wanted === asked.current) return;
    const timer = setTimeout(() => {
      asked.current = wanted;
      onSearch.current(wanted);
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);

  return (
    <input
      type="search"
      class="search"
      placeholder={t('detail.search')}
      aria-label={props.label}
      data-testid="detail-search"
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}

/** Everything the list holds, in the order and with the columns shown, not only the page in front. */
function CsvButton({ detail }: { detail: Detail }) {
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

/** `cut`: there were more rows than a file takes. */
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
  // A column that could not be fetched must not be missing unsaid; one that this collector lacks is
  // not on screen either.
  const isBroken = answers.value.some((answer) => !answer.ok && answer.failure.kind !== 'refused');
  if (isBroken) return 'failed';
  const of = (slot: string) => {
    const answer = answers.value[plan.findIndex((p) => p.slot === slot)];
    return answer?.ok ? answer.value : null;
  };
  const response = of('detail');
  if (!response) return 'failed';
  const { dimension, metrics, reading } = tableSpec(detail.tab, view.filters, goals);
  const read = of('detail-reading');
  const table = tableOf({
    metrics,
    response,
    before: store.hasEarlier() ? of('detail-before') : null,
    beforeLimit: CSV_ROWS_MAX,
    reading: reading && read ? { metrics: reading, response: read } : null,
    totalVisitors: null,
  });
  const heads = table.metrics.map((metric: Metric) => t(`metric.${metric}`));
  const primary = heads[0] ?? '';
  const before = table.hasChange ? [`${primary}, ${t('chart.before')}`] : [];
  const header = [t(`dimension.${dimension}`), primary, ...before, ...heads.slice(1)];
  const rows = table.rows.map((row) => [
    fmt.name(dimension, row.name),
    row.values[0] ?? null,
    ...(table.hasChange ? [row.before] : []),
    ...row.values.slice(1),
  ]);
  saveCsv(csvName([site, detail.tab, days.range?.from, days.range?.to]), csvOf(header, rows));
  return (response.meta.total_rows ?? 0) > rows.length ? 'cut' : 'saved';
}
