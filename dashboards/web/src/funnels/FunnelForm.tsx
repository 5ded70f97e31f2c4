/** The form of a funnel: type and value of each step, and arrows that change the order. */
import { useId } from 'preact/hooks';
import {
  type Funnel,
  ORDERS,
  type Order,
  SPLITS,
  STEP_KINDS,
  STEPS_MAX,
  STEPS_MIN,
  type Step,
  type StepKind,
} from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { readyValue } from '../viewmodels/known.ts';
import { useTexts } from './texts.ts';

export function FunnelForm(props: {
  draft: Funnel;
  onChange: (draft: Funnel) => void;
  onShow: (funnel: Funnel) => void;
}) {
  const { draft, onChange } = props;
  const { store, t } = useApp();
  const w = useTexts();
  const id = useId();
  const { steps } = draft;
  const put = (next: Step[]) => onChange({ ...draft, steps: next });
  const change = (index: number, patch: Partial<Step>) =>
    put(steps.map((step, i) => (i === index ? { ...step, ...patch } : step)));
  const swap = (a: number, b: number) => {
    const next = [...steps];
    const [one, two] = [next[a], next[b]];
    if (!one || !two) return;
    next[a] = two;
    next[b] = one;
    put(next);
  };
  const isWhole = steps.every(({ value }) => value.trim() !== '');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const trimmed = steps.map((step) => ({ ...step, value: step.value.trim() }));
        if (isWhole) props.onShow({ ...draft, steps: trimmed });
      }}
    >
      <ol class="funnel-steps">
        {steps.map((step, index) => {
          const n = index + 1;
          return (
            <li key={index} class="funnel-step">
              <select
                aria-label={w('funnel.kind', { n })}
                value={step.kind}
                onChange={(event) =>
                  change(index, { kind: event.currentTarget.value as StepKind, value: '' })
                }
              >
                {STEP_KINDS.filter((kind) => kind !== 'goal' || store.goals.value.length > 0).map((kind) => (
                  <option key={kind} value={kind}>
                    {w(`funnel.kind.${kind}`)}
                  </option>
                ))}
              </select>
              <input
                aria-label={w('funnel.value', { n })}
                list={`${id}-${step.kind}`}
                required
                maxLength={500}
                autocomplete="off"
                spellcheck={false}
                placeholder={step.kind === 'page' ? '/' : ''}
                value={step.value}
                onInput={(event) => change(index, { value: event.currentTarget.value })}
              />
              <Arrow
                path="M6 9V3M3 6l3-3 3 3"
                label={w('funnel.up', { n })}
                isOff={index === 0}
                onPick={() => swap(index, index - 1)}
              />
              <Arrow
                path="M6 3v6M3 6l3 3 3-3"
                label={w('funnel.down', { n })}
                isOff={index === steps.length - 1}
                onPick={() => swap(index, index + 1)}
              />
              <Arrow
                path="m3 3 6 6M9 3 3 9"
                label={w('funnel.remove', { n })}
                isOff={steps.length <= STEPS_MIN}
                onPick={() => put(steps.filter((_, i) => i !== index))}
              />
            </li>
          );
        })}
      </ol>
      <Suggestions id={id} />
      <div class="funnel-rules">
        <button
          type="button"
          class="button is-quiet"
          disabled={steps.length >= STEPS_MAX}
          onClick={() => put([...steps, { kind: 'page', value: '' }])}
        >
          <span aria-hidden="true">+</span> {w('funnel.add')}
        </button>
        <label>
          <span class="muted">{w('funnel.order')}</span>
          <select
            value={draft.order}
            onChange={(event) => onChange({ ...draft, order: event.currentTarget.value as Order })}
          >
            {ORDERS.map((order) => (
              <option key={order} value={order}>
                {w(`funnel.order.${order}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="muted">{w('funnel.by')}</span>
          <select
            value={draft.by ?? ''}
            onChange={(event) => {
              const by = SPLITS.find((one) => one === event.currentTarget.value) ?? null;
              onChange({ ...draft, by });
            }}
          >
            <option value="">{w('funnel.by.none')}</option>
            {SPLITS.map((one) => (
              <option key={one} value={one}>
                {t(`dimension.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="button is-main" disabled={!isWhole}>
          {w('funnel.show')}
        </button>
      </div>
    </form>
  );
}

/** Suggestions for the value fields: pages, events and goals that this page already knows. */
function Suggestions({ id }: { id: string }) {
  const { store } = useApp();
  const names = (slot: 'rows-page' | 'rows-name') =>
    readyValue(store.known(slot))?.results.map((row) => row.dimensions[0] ?? '') ?? [];
  const lists = {
    page: names('rows-page').filter((page) => page.startsWith('/')),
    name: names('rows-name'),
    goal: store.goals.value.map(({ name }) => name),
  };
  return (
    <>
      {STEP_KINDS.map((kind) => (
        <datalist key={kind} id={`${id}-${kind}`}>
          {lists[kind].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      ))}
    </>
  );
}

function Arrow(props: { path: string; label: string; isOff: boolean; onPick: () => void }) {
  return (
    <button
      type="button"
      class="step-button"
      aria-label={props.label}
      disabled={props.isOff}
      onClick={props.onPick}
    >
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={props.path} />
      </svg>
    </button>
  );
}
