/** A panel with a few lists to choose from: the largest rows, each a filter to click, each with its change. */
import { useEffect, useState } from 'preact/hooks';
import type { QueryResponse } from '../api/types.ts';
import type { Key } from '../i18n/catalogue.en.ts';
import { goalOf, PANEL_ROWS, TABLES, tableSpec } from '../query/tables.ts';
import { type DetailTab, PANEL_TABS, type Panel, type Tab, tabOf } from '../state/address.ts';
import { toggleValue } from '../state/filter.ts';
import type { Store } from '../store.ts';
import { useApp } from '../ui/context.ts';
import { Delta } from '../ui/Delta.tsx';
import { FailedHere } from '../ui/Failure.tsx';
import { Menu, MenuItem } from '../ui/Menu.tsx';
import { type Known, mapKnown, readyValue } from '../viewmodels/known.ts';
import { type Table, type TableRow, tableOf, totalFor } from '../viewmodels/table.ts';

/** Tabs that stand open; the rest are behind a menu. */
const OPEN_TABS = 4;

export function knownTable(store: Store, tab: DetailTab): Known<Table> {
  const { metrics, reading } = tableSpec(tab, store.view.value.filters, store.goals.value);
  const read: QueryResponse | null = reading ? readyValue(store.known(`reading-${tab}`)) : null;
  const before = store.earlier(`before-${tab}`);
  return mapKnown(store.known(`rows-${tab}`), (response) =>
    tableOf({
      metrics,
      response,
      before,
      reading: reading && read ? { metrics: reading, response: read } : null,
      totalVisitors: totalFor(response, readyValue(store.known('totals'))),
    }),
  );
}

export function ListPanel({ panel }: { panel: Exclude<Panel, 'returning' | 'journeys'> }) {
  const { store, t, fmt } = useApp();
  const tab = tabOf(store.view.value, panel);
  const listTab = (tab === 'map' ? 'country' : tab) as DetailTab;
  const table = knownTable(store, listTab);
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

export function Tabs({ panel, tab }: { panel: Panel; tab: Tab }) {
  const { store, t } = useApp();
  const all: readonly Tab[] = PANEL_TABS[panel];
  if (all.length === 1) return null;
  const folded = all.slice(OPEN_TABS);
  const open = folded.includes(tab) ? [...all.slice(0, OPEN_TABS - 1), tab] : all.slice(0, OPEN_TABS);
  const rest = all.filter((one) => !open.includes(one));
  const pick = (one: Tab) => store.go({ tabs: { ...store.view.peek().tabs, [panel]: one } });
  return (
    <div class="tabs" role="group" aria-label={t('panel.tabs')}>
      {open.map((one) => (
        <button key={one} type="button" aria-pressed={one === tab} onClick={() => pick(one)}>
          {t(`tab.${one}`)}
        </button>
      ))}
      {rest.length > 0 && (
        <Menu label="…" title={t('panel.more')} class="">
          {(close) =>
            rest.map((one) => (
              <MenuItem
                key={one}
                isOn={false}
                onPick={() => {
                  pick(one);
                  close();
                }}
              >
                {t(`tab.${one}`)}
              </MenuItem>
            ))
          }
        </Menu>
      )}
    </div>
  );
}

function KnownList({ table, tab }: { table: Known<Table>; tab: DetailTab }) {
  const { store, t } = useApp();
  if (table.status === 'loading') return <SkeletonRows />;
  if (table.status === 'failed') return <FailedHere failure={table.failure} />;
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

/** The map's code and paths are fetched when it is first shown. */
function LazyMap({ table }: { table: Known<Table> }) {
  const [WorldMap, setWorldMap] = useState<typeof import('./WorldMap.tsx')['WorldMap'] | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    import('./WorldMap.tsx').then(
      (module) => setWorldMap(() => module.WorldMap),
      () => setFailed(true),
    );
  }, []);
  if (hasFailed) return <FailedHere failure={{ kind: 'offline' }} />;
  if (table.status === 'failed') return <FailedHere failure={table.failure} />;
  if (!WorldMap || table.status === 'loading') return <SkeletonRows />;
  return <WorldMap table={table.value} />;
}

export function SkeletonRows() {
  const { t } = useApp();
  return (
    <div class="skeleton-rows">
      <span class="sr">{t('state.loading')}</span>
      {Array.from({ length: PANEL_ROWS }, (_, i) => (
        <div key={String(i)} class="skeleton" />
      ))}
    </div>
  );
}

const SHORT: Partial<Record<string, Key>> = {
  pageviews: 'metric.short.pageviews',
  bounce_rate: 'metric.short.bounce_rate',
  conversion_rate: 'metric.short.conversion_rate',
  group_conversion_rate: 'metric.short.conversion_rate',
};

/** In which currency a row's amount is: that of the row's goal, or of the one that is filtered by. */
export function currencyOf(store: Store, tab: DetailTab, name: string): string | null {
  const goals = store.goals.value;
  const goal =
    tab === 'goal' ? goals.find((one) => one.name === name) : goalOf(store.view.value.filters, goals);
  return goal?.currency ?? null;
}

/** In a panel there is room for the first number, its change and one or two more; details show all. */
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
