/** Goals of the site, suggestions from recent visits, and the form for both. */
import { useState } from 'preact/hooks';
import type { SiteObject } from '../api/control.ts';
import { useEditing, useManage, useRead, useSiteObjects } from './context.ts';
import { GoalForm } from './GoalForm.tsx';
import { type Draft, describeGoal, draftOf, EMPTY, type Goal } from './goal.ts';
import { Answered, Conflict, Line, Lines, RemoveButton } from './parts.tsx';

export function Goals() {
  const { control, site, w } = useManage();
  const goals = useSiteObjects<Goal>('goals');
  const editing = useEditing(goals, (goal) => describeGoal(goal, w));
  const [start, setStart] = useState(EMPTY);
  const open = (old: SiteObject<Goal> | null, draft: Draft) => {
    setStart(draft);
    editing.begin(old);
  };
  return (
    <>
      <Answered answer={goals.answer} reload={goals.reload}>
        {(list) => (
          <Lines isEmpty={list.length === 0}>
            {list.map((one) => (
              <Line key={one.id} name={one.value.name} description={describeGoal(one.value, w)}>
                {goals.mayEdit && (
                  <>
                    <button
                      type="button"
                      class="button is-quiet"
                      onClick={() => open(one, draftOf(one.value))}
                    >
                      {w('edit', { name: one.value.name })}
                    </button>
                    <RemoveButton
                      name={one.value.name}
                      onConfirm={() => void goals.remove(one, one.value.name)}
                    />
                  </>
                )}
              </Line>
            ))}
          </Lines>
        )}
      </Answered>
      {!goals.mayEdit && <p class="muted">{w('readOnly')}</p>}
      {goals.mayEdit && !editing.open && (
        <button type="button" class="button is-main" onClick={() => open(null, EMPTY)}>
          {w('goal.new')}
        </button>
      )}
      <Conflict text={editing.conflict} />
      {editing.open && (
        <GoalForm
          key={editing.open.old?.id ?? start.name}
          start={start}
          onSave={(goal) => editing.save(goal, goal.name)}
          onCancel={editing.end}
        />
      )}
      {goals.mayEdit && !editing.open && (
        <Suggestions path={control.of(site, 'suggestions')} onPick={(goal) => open(null, draftOf(goal))} />
      )}
    </>
  );
}

/** Events and pages that could become goals. A click fills the form; saving is up to the reader. */
function Suggestions({ path, onPick }: { path: string; onPick: (goal: Goal) => void }) {
  const { w } = useManage();
  const { answer } = useRead<{ goals: { value: Goal; visits: number }[] }>(path);
  // Suggestions are optional: without an answer there are none.
  if (!answer?.ok || answer.value.goals.length === 0) return null;
  return (
    <div>
      <h3>{w('goal.suggested')}</h3>
      <div class="suggestions">
        {answer.value.goals.map(({ value, visits }) => (
          <button key={value.name} type="button" class="mover" onClick={() => onPick(value)}>
            <span class="mover-name">{value.name}</span>{' '}
            <span class="muted">{w('goal.suggestedVisits', { n: visits })}</span>
          </button>
        ))}
      </div>
    </div>
  );
}
