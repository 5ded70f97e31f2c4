/** Goals: what is kept, what was seen and could be one, and the form for both. */
import { useState } from 'preact/hooks';
import type { Kept, Refusal } from '../api/control.ts';
import { useKept, useManage, useRead } from './context.ts';
import { GoalForm } from './GoalForm.tsx';
import { describeGoal, draftOf, EMPTY, type Goal } from './goal.ts';
import { Answered, Line, Lines, RemoveButton } from './parts.tsx';

type Editing = { old: Kept<Goal> | null; draft: typeof EMPTY };

export function Goals() {
  const { control, site, w } = useManage();
  const goals = useKept<Goal>('goals');
  const [editing, setEditing] = useState<Editing | null>(null);
  const [conflict, setConflict] = useState<string | null>(null);
  const open = (next: Editing | null) => {
    setConflict(null);
    setEditing(next);
  };
  async function save(goal: Goal): Promise<Refusal | null> {
    const refusal = await goals.save(goal, editing?.old ?? null, goal.name);
    if (refusal?.current) {
      // What somebody else saved is shown; saving again replaces it knowingly.
      const current = refusal.current as Kept<Goal>;
      const what = describeGoal(current.value, w);
      setConflict(w('conflict', { who: current.changed_by, what }));
      setEditing(editing && { ...editing, old: current });
      return null;
    }
    if (!refusal) open(null);
    return refusal;
  }
  return (
    <>
      <Answered answer={goals.answer} reload={goals.reload}>
        {(list) => (
          <Lines isEmpty={list.length === 0}>
            {list.map((one) => (
              <Line key={one.id} name={one.value.name} says={describeGoal(one.value, w)}>
                {goals.mayEdit && (
                  <>
                    <button
                      type="button"
                      class="button is-quiet"
                      onClick={() => open({ old: one, draft: draftOf(one.value) })}
                    >
                      {w('edit', { name: one.value.name })}
                    </button>
                    <RemoveButton
                      name={one.value.name}
                      onSure={() => void goals.remove(one, one.value.name)}
                    />
                  </>
                )}
              </Line>
            ))}
          </Lines>
        )}
      </Answered>
      {!goals.mayEdit && <p class="muted">{w('readOnly')}</p>}
      {goals.mayEdit && !editing && (
        <button type="button" class="button is-main" onClick={() => open({ old: null, draft: EMPTY })}>
          {w('goal.new')}
        </button>
      )}
      {editing && (
        <>
          {conflict && (
            <p class="notice is-trouble" role="alert">
              {conflict}
            </p>
          )}
          <GoalForm
            key={editing.old?.id ?? editing.draft.name}
            start={editing.draft}
            onSave={save}
            onCancel={() => open(null)}
          />
        </>
      )}
      {goals.mayEdit && !editing && (
        <Suggested
          path={control.of(site, 'suggestions')}
          onPick={(goal) => open({ old: null, draft: draftOf(goal) })}
        />
      )}
    </>
  );
}

/** What was seen and is no goal yet: a click fills the form, nothing is kept by itself. */
function Suggested({ path, onPick }: { path: string; onPick: (goal: Goal) => void }) {
  const { w } = useManage();
  const { answer } = useRead<{ goals: { value: Goal; visits: number }[] }>(path);
  // They help; where they can't be had, one does without.
  if (!answer?.ok || answer.value.goals.length === 0) return null;
  return (
    <div>
      <h3>{w('goal.suggested')}</h3>
      <div class="suggestions">
        {answer.value.goals.map(({ value, visits }) => (
          <button key={value.name} type="button" class="mover" onClick={() => onPick(value)}>
            <span class="mover-name">{value.name}</span>{' '}
            <span class="muted">{w('suggested.visits', { n: visits })}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
