/** Where visitors clicked on a page: squares on its outline, and the same numbers as a table. */
import { useId, useState } from 'preact/hooks';
import { toWire } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { QuestionFailure } from '../ui/QuestionFailure.tsx';
import { SkeletonRows } from '../ui/SkeletonRows.tsx';
import { useAnswer } from '../ui/useAnswer.ts';
import { type ClickMap, COLUMNS, clickMapOf, stretchOf } from '../viewmodels/clickMap.ts';
import { readyValue } from '../viewmodels/known.ts';
import { ClickTexts, useTexts } from './texts.ts';

/** Cells asked for: more than visitors click on one page. */
const CELLS_MAX = 5_000;
/** Cells that carry their rank on the map. */
const RANKED = 9;
/** Cells listed in the table. */
const TABLE_ROWS = 25;

export function ClickMapPanel() {
  return (
    <ClickTexts loading={<div aria-busy="true" />}>
      <ClickMapCard />
    </ClickTexts>
  );
}

function ClickMapCard() {
  const { store, t } = useApp();
  const w = useTexts();
  const id = useId();
  const [isTable, setTable] = useState(false);
  const { clicks, filters } = store.view.value;
  const site = store.site.value?.id ?? '';
  const { range } = store.days.value;
  const seen = readyValue(store.known('rows-page'))?.results.map((row) => row.dimensions[0] ?? '') ?? [];
  const pages = [...new Set([...(clicks ? [clicks] : []), ...seen.filter((page) => page.startsWith('/'))])];
  const page = clicks ?? pages[0] ?? null;
  const query = {
    site_id: site,
    metrics: ['clicks' as const],
    dimensions: ['event:click_cell'],
    date_range: range ? ([range.from, range.to] as [string, string]) : 'all',
    filters: [...filters.map(toWire), toWire({ dimension: 'page', op: 'is', values: [page ?? ''] })],
    pagination: { limit: CELLS_MAX, offset: 0 },
  };
  const { known, retry } = useAnswer(page === null ? null : JSON.stringify(query), (signal) =>
    store.client.query(query, signal),
  );
  const map = known.status === 'ready' ? clickMapOf(known.value) : null;
  return (
    <section class="card panel" aria-labelledby={id} data-testid="panel-clicks" data-value={map?.clicks}>
      <div class="panel-head">
        <h2 id={id}>{w('clicks.title')}</h2>
        {map && map.clicks > 0 && (
          <div class="toggle" role="group" aria-label={w('clicks.as')}>
            <button type="button" aria-pressed={!isTable} onClick={() => setTable(false)}>
              {w('clicks.map')}
            </button>
            <button type="button" aria-pressed={isTable} onClick={() => setTable(true)}>
              {w('clicks.table')}
            </button>
          </div>
        )}
      </div>
      {pages.length > 0 && (
        <label class="lower-pick">
          <span class="sr">{w('clicks.page')}</span>
          <select
            value={page ?? ''}
            data-testid="clicks-page"
            onChange={(event) => store.go({ clicks: event.currentTarget.value })}
          >
            {pages.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      )}
      {page === null && <p class="panel-message muted">{w('clicks.noPages')}</p>}
      {page !== null && known.status === 'loading' && <SkeletonRows />}
      {known.status === 'failed' && <QuestionFailure failure={known.failure} retry={retry} />}
      {map?.clicks === 0 && <p class="panel-message muted">{w('clicks.none')}</p>}
      {map && map.clicks > 0 && page !== null && (
        <div class={known.status === 'ready' && known.isStale ? 'is-stale' : ''}>
          {isTable ? <Cells map={map} /> : <Drawing map={map} page={page} />}
          <p class="muted lower-note">
            {w('clicks.sum', { n: map.clicks })}. {map.below > 0 && w('clicks.below', { n: map.below })}{' '}
            {!isTable && w('clicks.top')}
          </p>
        </div>
      )}
      <span class="sr" role="status">
        {known.status === 'loading' && page !== null ? t('state.loading') : ''}
      </span>
    </section>
  );
}

function Drawing({ map, page }: { map: ClickMap; page: string }) {
  const w = useTexts();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box needs keyboard access
    <section class="click-scroll" tabIndex={0} aria-label={w('clicks.map')}>
      <svg
        class="click-map"
        viewBox={`0 0 ${COLUMNS} ${map.rows}`}
        role="img"
        aria-label={w('clicks.alt', { page })}
      >
        {map.cells.map(({ row, column, level }) => (
          <rect
            key={`${row}-${column}`}
            class={`click-${level}`}
            x={column + 0.04}
            y={row + 0.04}
            width={0.92}
            height={0.92}
            rx={0.12}
          />
        ))}
        {map.cells.slice(0, RANKED).map(({ row, column, rank, level }) => (
          <text
            key={rank}
            class={level > 3 ? 'click-rank is-inverse' : 'click-rank'}
            x={column + 0.5}
            y={row + 0.72}
          >
            {rank}
          </text>
        ))}
      </svg>
    </section>
  );
}

function Cells({ map }: { map: ClickMap }) {
  const { fmt } = useApp();
  const w = useTexts();
  const most = map.cells[0]?.clicks ?? 1;
  return (
    <table class="list">
      <caption class="sr">{w('clicks.title')}</caption>
      <thead>
        <tr>
          <th scope="col">{w('clicks.row')}</th>
          <th scope="col" class="num">
            {w('clicks.across')}
          </th>
          <th scope="col" class="num">
            {w('clicks.clicks')}
          </th>
        </tr>
      </thead>
      <tbody>
        {map.cells.slice(0, TABLE_ROWS).map(({ row, column, clicks }) => {
          const [from, to] = stretchOf(column);
          return (
            <tr key={`${row}-${column}`} data-name={String(row * COLUMNS + column)} data-value={clicks}>
              <th scope="row">
                <span class="bar" style={{ '--bar': String(clicks / most) }} aria-hidden="true" />
                <span class="row-name">{fmt.count(row + 1)}</span>
              </th>
              <td class="num">{w('clicks.stretch', { from, to })}</td>
              <td class="num">{fmt.count(clicks)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
