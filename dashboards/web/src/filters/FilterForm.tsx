/** The form for one filter, with suggested values. Fetched when the first filter is edited. */
import { useEffect, useState } from 'preact/hooks';
import type { FilterOp } from '../api/types.ts';
import {
  DIMENSIONS,
  type Dimension,
  FILTER_VALUES_MAX,
  type Filter,
  opsOf,
  toWire,
  wireName,
} from '../state/filter.ts';
import { useApp } from '../ui/context.ts';

export function FilterForm(props: {
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

/** The most common values that match the typed text. The form works without them. */
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
          // Readers type a country's name, the collector knows its code: ask for all, match here.
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

/** A country's two-letter code is upper case on the wire, whatever the typed case. */
const toValue = (dimension: Dimension, value: string): string =>
  dimension === 'country' && value.length === 2 ? value.toUpperCase() : value;
