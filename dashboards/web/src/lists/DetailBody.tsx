/** A list in full: heading, search, rows, pages. Fetched when the first list is opened. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { DETAIL_ROWS, DETAIL_WIDE_ROWS, TABLES, tableSpec } from '../query/tables.ts';
import type { Detail } from '../state/address.ts';
import { toggleValue } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { Delta } from '../ui/Delta.tsx';
import { PanelFailure } from '../ui/Failure.tsx';
import type { Table } from '../viewmodels/table.ts';
import { CsvButton } from './CsvButton.tsx';
import { currencyOf, DETAIL_SLOTS, knownTable } from './knownTable.ts';

/** A search is sent after a pause of this length in typing. */
const TYPING_PAUSE_MS = 250;
export function DetailBody({ detail, onClose }: { detail: Detail; onClose: () => void }) {
  const { store, t, fmt } = useApp();
  const { tab } = detail;
  const { dimension } = TABLES[tab];
  const table = knownTable({ store, tab, slots: DETAIL_SLOTS, beforeLimit: DETAIL_WIDE_ROWS });
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
        {table.status === 'failed' && <PanelFailure failure={table.failure} />}
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

/**
 * The search field keeps what is typed: neither numbers that arrive meanwhile nor the trimmed
 * search in the address may remove a letter.
 */
function Search(props: { detail: Detail; label: string; onSearch: (text: string) => void }) {
  const { t } = useApp();
  const { search } = props.detail;
  const asked = useRef(search);
  const [text, setText] = useState(search);
  const onSearch = useRef(props.onSearch);
  onSearch.current = props.onSearch;

  // Back, Forward and links change the search from outside.
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
