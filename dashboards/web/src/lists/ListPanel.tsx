/** A panel with several lists to choose from. Each row is a filter to click, with its change. */
import { useEffect, useState } from 'preact/hooks';
import type { Key } from '../i18n/catalogue.en.ts';
import { PANEL_ROWS, ROWS_BEFORE_LIMIT, TABLES } from '../query/tables.ts';
import { type DetailTab, type Panel, tabOf } from '../state/address.ts';
import { toggleValue } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { Delta } from '../ui/Delta.tsx';
import { PanelFailure } from '../ui/Failure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';
import type { Known } from '../viewmodels/known.ts';
import type { Table, TableRow } from '../viewmodels/table.ts';
import { currencyOf, knownTable, panelSlots } from './knownTable.ts';
import { Tabs } from './Tabs.tsx';

export function ListPanel({ panel }: { panel: Exclude<Panel, 'returning' | 'journeys'> }) {
  const { store, t, fmt } = useApp();
  const tab = tabOf(store.view.value, panel);
  const listTab = (tab === 'map' ? 'country' : tab) as DetailTab;
  const table = knownTable({
    store,
    tab: listTab,
    slots: panelSlots(listTab),
    beforeLimit: ROWS_BEFORE_LIMIT,
  });
  const title = `panel-${panel}`;
  const total = table.status === 'ready' ? table.value.totalRows : 0;
  return (
    <section class="card panel" aria-labelledby={title} data-testid={title} data-tab={tab}>
      <div class="panel-head">
        <h2 id={title}>{t(`panel.${panel}`)}</h2>
        <Tabs panel={panel} tab={tab} />
      </div>
      <div class="panel-body">
        {tab === 'map' ? <LazyMap table={table} /> : <KnownList table={table} tab={listTab} />}
      </div>
      {total > PANEL_ROWS && (
        <button
          type="button"
          class="panel-all"
          onClick={() =>
            store.go({ detail: { tab: listTab, search: '', sort: '', direction: 'desc', page: 1 } })
          }
        >
          {t('panel.all')} {fmt.count(total)} <span class="sr">{t(`tab.${listTab}`)}</span>
          <span aria-hidden="true"> ›</span>
        </button>
      )}
    </section>
  );
}

function KnownList({ table, tab }: { table: Known<Table>; tab: DetailTab }) {
  const { store, t } = useApp();
  if (table.status === 'loading') return <SkeletonRows />;
  if (table.status === 'failed') return <PanelFailure failure={table.failure} />;
  if (table.value.rows.length === 0) {
    const isFiltered = store.view.value.filters.length > 0;
    return <p class="panel-message muted">{t(isFiltered ? 'panel.noneFiltered' : 'panel.none')}</p>;
  }
  return (
    <div class={table.isStale ? 'is-stale' : ''}>
      <List table={{ ...table.value, rows: table.value.rows.slice(0, PANEL_ROWS) }} tab={tab} />
    </div>
  );
}

/** The map's code and its shapes are fetched when the map is first shown. */
function LazyMap({ table }: { table: Known<Table> }) {
  const [WorldMap, setWorldMap] = useState<typeof import('./WorldMap.tsx')['WorldMap'] | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    import('./WorldMap.tsx').then(
      (module) => setWorldMap(() => module.WorldMap),
      () => setFailed(true),
    );
  }, []);
  if (hasFailed) return <PanelFailure failure={{ kind: 'offline' }} />;
  if (table.status === 'failed') return <PanelFailure failure={table.failure} />;
  if (!WorldMap || table.status === 'loading') return <SkeletonRows />;
  return <WorldMap table={table.value} />;
}

/** Short column headings, where a metric has one. */
const SHORT: Partial<Record<string, Key>> = {
  pageviews: 'metric.short.pageviews',
  bounce_rate: 'metric.short.bounce_rate',
  time_on_page: 'metric.short.time_on_page',
  scroll_depth: 'metric.short.scroll_depth',
  conversion_rate: 'metric.short.conversion_rate',
  group_conversion_rate: 'metric.short.conversion_rate',
};

/**
 * A panel has room for the first metric, its change and one or two more; the full list shows all.
 */
function List({ table, tab }: { table: Table; tab: DetailTab }) {
  const { store, t, fmt } = useApp();
  const { dimension } = TABLES[tab];
  const extra = table.metrics.map((metric, index) => ({ metric, index })).slice(1);
  const shown = extra.filter(({ metric }) => metric !== 'visits');
  const selected = store.view.value.filters
    .filter((filter) => filter.dimension === dimension && filter.op === 'is')
    .flatMap((filter) => filter.values);
  return (
    <table class="list">
      <caption class="sr">{t(`tab.${tab}`)}</caption>
      <thead>
        <tr>
          <th scope="col">{t(`dimension.${dimension}`)}</th>
          <th scope="col" class="num">
            {t(`metric.${table.metrics[0] ?? 'visitors'}`)}
          </th>
          {table.hasChange && (
            <th scope="col" class="num">
              {t('change.column')}
            </th>
          )}
          {shown.length === 0 && (
            <th scope="col" class="num">
              %
            </th>
          )}
          {shown.map(({ metric }) => (
            <th key={metric} scope="col" class="num is-extra">
              {t(SHORT[metric] ?? `metric.${metric}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{table.rows.map(drawRow)}</tbody>
    </table>
  );

  function drawRow(row: TableRow) {
    const isSelected = selected.includes(row.name);
    const name = fmt.name(dimension, row.name);
    const isFolded = row.name === '(other)';
    return (
      <tr key={row.name} data-name={row.name} data-value={row.values[0] ?? undefined}>
        <th scope="row">
          <span class="bar" style={{ '--bar': String(row.bar) }} aria-hidden="true" />
          {isFolded ? (
            <span class="row-name">{name}</span>
          ) : (
            <button
              type="button"
              class="row-name"
              aria-pressed={isSelected}
              title={name}
              onClick={() =>
                store.go({ filters: toggleValue(store.view.peek().filters, dimension, row.name) })
              }
            >
              {name}
            </button>
          )}
        </th>
        <td class="num">{fmt.cell(table.metrics[0] ?? 'visitors', row.values[0])}</td>
        {table.hasChange && (
          <td
            class="num"
            title={row.before === null ? '' : t('change.before', { value: fmt.count(row.before) })}
          >
            <Delta change={row.change} />
          </td>
        )}
        {shown.length === 0 && <td class="num muted">{row.share === null ? '–' : fmt.percent(row.share)}</td>}
        {shown.map(({ metric, index }) => (
          <td key={metric} class="num is-extra muted">
            {metric === 'total_revenue'
              ? fmt.money(row.values[index], currencyOf(store, tab, row.name))
              : fmt.cell(metric, row.values[index])}
          </td>
        ))}
      </tr>
    );
  }
}
