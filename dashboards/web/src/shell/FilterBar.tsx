/** Chips of the filters in force, the editor behind them, and filters kept for another day. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FilterOp } from '../api/types.ts';
import {
  DIMENSIONS,
  type Dimension,
  FILTER_VALUES_MAX,
  type Filter,
  opsOf,
  sameFilter,
  toWire,
  wireName,
} from '../state/filter.ts';
import { useApp } from './context.ts';
import { Menu } from './Menu.tsx';

export function FilterBar() {
  const { store, t, editing } = useApp();
  const { filters } = store.view.value;
  const { filterText } = useFilterText();
  return (
    <div class="filter-bar">
      <ul class="chips" aria-label={t('filter.label')}>
        {filters.map((filter, index) => {
          const text = filterText(filter);
          return (
            <li key={text} class="chip" data-testid="chip">
              <button
                type="button"
                class="chip-text"
                title={t('filter.edit', { filter: text })}
                onClick={() => {
                  editing.value = index;
                }}
              >
                {text}
              </button>
              <button
                type="button"
                class="chip-remove"
                aria-label={t('filter.remove', { filter: text })}
                onClick={() => store.go({ filters: filters.filter((_, i) => i !== index) })}
              >
                <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                  <path d="m3 3 6 6M9 3 3 9" />
                </svg>
              </button>
            </li>
          );
        })}
      </ul>
      <button
        type="button"
        class="button is-quiet"
        data-testid="add-filter"
        onClick={() => {
          editing.value = 'new';
        }}
      >
        <span aria-hidden="true">+</span> {t('filter.add')}
      </button>
      <SavedFilters />
      {filters.length > 1 && (
        <button type="button" class="button is-quiet" onClick={() => store.go({ filters: [] })}>
          {t('filter.clear')}
        </button>
      )}
      <FilterEditor />
    </div>
  );
}

export function useFilterText() {
  const { t, fmt } = useApp();
  return {
    filterText(filter: Filter): string {
      const names = filter.values.map((value) =>
        filter.op === 'is' || filter.op === 'is_not' ? fmt.name(filter.dimension, value) : `“${value}”`,
      );
      const joined = names.join(` ${t('filter.or')} `);
      return `${t(`dimension.${filter.dimension}`)} ${t(`filter.op.${filter.op}`)} ${joined}`;
    },
  };
}

function FilterEditor() {
  const { store, t, editing } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const { filters } = store.view.value;
  const place = editing.value;
  const current = typeof place === 'number' ? filters[place] : undefined;

  useEffect(() => {
    if (place !== null && !dialog.current?.open) dialog.current?.showModal();
    if (place === null && dialog.current?.open) dialog.current.close();
  }, [place]);

  const close = () => {
    editing.value = null;
  };
  const apply = (next: Filter) => {
    const list =
      typeof place === 'number' ? filters.map((f, i) => (i === place ? next : f)) : [...filters, next];
    store.go({ filters: list.filter((f, i) => list.findIndex((g) => sameFilter(f, g)) === i) });
    close();
  };
  return (
    <dialog ref={dialog} class="dialog is-small" aria-labelledby="filter-title" onClose={close}>
      <h2 id="filter-title">{t('filter.title')}</h2>
      {place !== null && <FilterForm current={current} onApply={apply} onCancel={close} />}
    </dialog>
  );
}

function FilterForm(props: {
  current: Filter | undefined;
  onApply: (filter: Filter) => void;
  onCancel: () => void;
}) {
  const { store, t } = useApp();
  const [dimension, setDimension] = useState<Dimension>(props.current?.dimension ?? 'page');
  const [op, setOp] = useState<FilterOp>(props.current?.op ?? 'is');
  const [text, setText] = useState(props.current?.values.join('\n') ?? '');
  const lines = text.split('\n');
  const values = [
    ...new Set(lines.map((line) => toValue(dimension, line.trim())).filter((line) => line !== '')),
  ];
  return (
    <form
      class="filter-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (values.length > 0) props.onApply({ dimension, op, values: values.slice(0, FILTER_VALUES_MAX) });
      }}
    >
      <div class="filter-rule">
        <label>
          <span>{t('filter.by')}</span>
          <select
            value={dimension}
            onChange={(event) => {
              const next = event.currentTarget.value as Dimension;
              setDimension(next);
              if (!opsOf(next).includes(op)) setOp('is');
              setText('');
            }}
          >
            {DIMENSIONS.filter((one) => one !== 'goal' || store.goals.value.length > 0).map((one) => (
              <option key={one} value={one}>
                {t(`dimension.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{t('filter.op')}</span>
          <select value={op} onChange={(event) => setOp(event.currentTarget.value as FilterOp)}>
            {opsOf(dimension).map((one) => (
              <option key={one} value={one}>
                {t(`filter.op.${one}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label>
        <span>{t('filter.values')}</span>
        <textarea
          rows={3}
          required
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Suggestions
        dimension={dimension}
        typed={lines.at(-1)?.trim() ?? ''}
        taken={values}
        onPick={(value) =>
          setText(`${[...lines.slice(0, -1), value].filter((line) => line !== '').join('\n')}\n`)
        }
      />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={props.onCancel}>
          {t('filter.cancel')}
        </button>
        <button type="submit" class="button is-main">
          {t('filter.apply')}
        </button>
      </div>
    </form>
  );
}

const SUGGESTIONS = 6;
const TYPING_PAUSE_MS = 250;

/** The commonest values that fit what was typed, to be picked instead of spelt out. Helpful, never needed. */
function Suggestions(props: {
  dimension: Dimension;
  typed: string;
  taken: string[];
  onPick: (value: string) => void;
}) {
  const { store, t, fmt } = useApp();
  const { dimension, typed } = props;
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const site = store.site.peek()?.id;
    const { range } = store.days.peek();
    const timer = setTimeout(async () => {
      if (!site) return;
      const asked = store.client.query(
        {
          site_id: site,
          metrics: ['visitors'],
          date_range: range ? [range.from, range.to] : 'all',
          dimensions: [wireName(dimension)],
          // A country is typed by its name but known by its letters, so all of them are asked for and sifted here.
          filters:
            typed && dimension !== 'country' ? [toWire({ dimension, op: 'contains', values: [typed] })] : [],
          pagination: { limit: dimension === 'country' ? 250 : SUGGESTIONS * 2, offset: 0 },
        },
        stop.signal,
      );
      const answer = await asked.catch(() => null);
      if (stop.signal.aborted) return;
      setNames(answer?.ok ? answer.value.results.map((row) => row.dimensions[0] ?? '') : []);
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [store, dimension, typed]);

  const fitting = names
    .filter((name) => name !== '' && name !== '(other)' && !props.taken.includes(name))
    .filter((name) => fmt.name(dimension, name).toLowerCase().includes(typed.toLowerCase()) || name === typed)
    .slice(0, SUGGESTIONS);
  return (
    <div class="suggestions" role="group" aria-label={t('filter.suggestions')}>
      {fitting.map((name) => (
        <button key={name} type="button" class="mover" onClick={() => props.onPick(name)}>
          <span class="mover-name">{fmt.name(dimension, name)}</span>
        </button>
      ))}
    </div>
  );
}

/** Countries are filtered by their two letters, however they were typed. */
const toValue = (dimension: Dimension, value: string): string =>
  dimension === 'country' && value.length === 2 ? value.toUpperCase() : value;

function SavedFilters() {
  const { store, t, preferences } = useApp();
  const { filters } = store.view.value;
  const list = preferences.saved.value;
  const { filterText } = useFilterText();
  if (list.length === 0 && filters.length === 0) return null;
  return (
    <Menu label={t('filter.saved')} class="button is-quiet" testId="saved">
      {(close) => (
        <>
          {list.map((one) => (
            <div key={one.name} class="menu-row">
              <button
                type="button"
                class="menu-item"
                title={one.filters.map(filterText).join(', ')}
                onClick={() => {
                  store.go({ filters: one.filters });
                  close();
                }}
              >
                <span>{one.name}</span>
              </button>
              <button
                type="button"
                class="chip-remove"
                aria-label={t('filter.forget', { name: one.name })}
                onClick={() => preferences.saveFilters(list.filter((other) => other !== one))}
              >
                <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                  <path d="m3 3 6 6M9 3 3 9" />
                </svg>
              </button>
            </div>
          ))}
          {filters.length > 0 && (
            <form
              class="range-form"
              onSubmit={(event) => {
                event.preventDefault();
                const name = String(new FormData(event.currentTarget).get('name')).trim();
                if (!name) return;
                preferences.saveFilters([...list.filter((one) => one.name !== name), { name, filters }]);
                close();
              }}
            >
              <fieldset>
                <legend>{t('filter.save')}</legend>
                <label>
                  <span>{t('filter.saveName')}</span>
                  <input name="name" required maxLength={60} autocomplete="off" />
                </label>
                <button type="submit" class="button">
                  {t('period.apply')}
                </button>
              </fieldset>
            </form>
          )}
          <p class="menu-note muted">{t('filter.savedHere')}</p>
        </>
      )}
    </Menu>
  );
}
