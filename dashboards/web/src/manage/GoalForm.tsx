/** The form of a goal, with a preview of how often it would have been reached. */
import { useRef, useState } from 'preact/hooks';
import type { Refusal } from '../api/control.ts';
import { useApp } from '../ui/context.ts';
import { useManage } from './context.ts';
import { type Draft, GOAL_KINDS, type Goal, type GoalKind, goalFrom } from './goal.ts';
import { Field, Refused, useFirstField } from './parts.tsx';

type Preview = {
  days: number;
  visitors: number | null;
  conversion_rate: number | null;
  revenue: { value: number } | null;
};

export function GoalForm(props: {
  start: Draft;
  onSave: (goal: Goal) => Promise<Refusal | null>;
  onCancel: () => void;
}) {
  const { control, site, w } = useManage();
  const { fmt } = useApp();
  const [draft, setDraft] = useState(props.start);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const change = (patch: Partial<Draft>) => {
    setPreview(null);
    setDraft({ ...draft, ...patch });
  };
  const form = useFirstField();
  const typed = useRef(draft);
  typed.current = draft;
  async function loadPreview(): Promise<void> {
    const goal = goalFrom({ ...draft, name: draft.name.trim() || '?' });
    const answer = await control.send<Preview>('POST', `${control.of(site, 'goals')}/preview`, goal);
    // The form was changed meanwhile, so the answer is about another goal.
    if (typed.current !== draft) return;
    setRefusal(answer.ok ? null : answer.refusal);
    setPreview(answer.ok ? answer.value : null);
  }
  const input = (key: keyof Draft, more: Record<string, unknown> = {}) => (
    <input
      value={draft[key]}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => change({ [key]: event.currentTarget.value })}
      {...more}
    />
  );
  const isPattern = draft.kind !== 'event';
  return (
    <form
      ref={form}
      class="manage-form"
      onSubmit={(event) => {
        event.preventDefault();
        void props.onSave(goalFrom(draft)).then(setRefusal);
      }}
    >
      <Field label={w('name')}>{input('name', { required: true, maxLength: 64 })}</Field>
      <Field label={w('goal.kind')}>
        <select
          value={draft.kind}
          onChange={(event) => change({ kind: event.currentTarget.value as GoalKind })}
        >
          {GOAL_KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {w(`goal.kind.${kind}`)}
            </option>
          ))}
        </select>
      </Field>
      {isPattern && (
        <Field label={w('goal.pattern')}>{input('pattern', { required: true, maxLength: 200 })}</Field>
      )}
      {draft.kind === 'scroll' && (
        <Field label={w('goal.percent')}>
          {input('percent', { type: 'number', min: 1, max: 100, required: true })}
        </Field>
      )}
      {draft.kind === 'engagement' && (
        <Field label={w('goal.seconds')}>
          {input('seconds', { type: 'number', min: 1, max: 7200, required: true })}
        </Field>
      )}
      {!isPattern && (
        <>
          <Field label={w('goal.event')}>{input('event', { required: true, maxLength: 120 })}</Field>
          <Field label={w('goal.props')}>
            <textarea
              rows={2}
              spellcheck={false}
              value={draft.props}
              onInput={(event) => change({ props: event.currentTarget.value })}
            />
          </Field>
          <Field label={w('goal.currency')}>
            {input('currency', { maxLength: 3, pattern: '[A-Za-z]{3}' })}
          </Field>
        </>
      )}
      <Refused refusal={refusal} />
      <p role="status" data-testid="preview">
        {preview &&
          w('goal.previewed', {
            days: preview.days,
            n: preview.visitors ?? '–',
            rate: fmt.metric('conversion_rate', preview.conversion_rate),
          })}
        {preview?.revenue &&
          ` ${w('goal.earned', { amount: fmt.money(preview.revenue.value, draft.currency.toUpperCase()) })}`}
      </p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => void loadPreview()}>
          {w('goal.preview')}
        </button>
        <button type="button" class="button" onClick={props.onCancel}>
          {w('cancel')}
        </button>
        <button type="submit" class="button is-main">
          {w('save')}
        </button>
      </div>
    </form>
  );
}
