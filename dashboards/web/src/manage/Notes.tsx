/** Notes: a day or a minute on the site's clock, and what happened. */
import { useState } from 'preact/hooks';
import type { Kept, Refusal } from '../api/control.ts';
import { useApp } from '../shell/context.ts';
import { useKept, useManage } from './context.ts';
import { Answered, Field, Line, Lines, Refused, RemoveButton } from './parts.tsx';

type Note = { at: string; text: string };

export function Notes() {
  const { fmt } = useApp();
  const { w } = useManage();
  const notes = useKept<Note>('annotations');
  const [editing, setEditing] = useState<{ old: Kept<Note> | null } | null>(null);
  const [conflict, setConflict] = useState<string | null>(null);
  const when = ({ at }: Note) => {
    const [date = '', time] = at.split('T');
    return time ? `${fmt.range({ from: date, to: date })} ${time}` : fmt.range({ from: date, to: date });
  };
  const open = (next: typeof editing) => {
    setConflict(null);
    setEditing(next);
  };
  async function save(note: Note): Promise<Refusal | null> {
    const refusal = await notes.save(note, editing?.old ?? null, note.text);
    if (refusal?.current) {
      const current = refusal.current as Kept<Note>;
      setConflict(
        w('conflict', { who: current.changed_by, what: `${when(current.value)}, ${current.value.text}` }),
      );
      setEditing({ old: current });
      return null;
    }
    if (!refusal) open(null);
    return refusal;
  }
  return (
    <>
      <Answered answer={notes.answer} reload={notes.reload}>
        {(list) => (
          <Lines isEmpty={list.length === 0}>
            {[...list]
              .sort((a, b) => (a.value.at < b.value.at ? 1 : -1))
              .map((one) => (
                <Line key={one.id} name={one.value.text} says={when(one.value)}>
                  {notes.mayEdit && (
                    <>
                      <button type="button" class="button is-quiet" onClick={() => open({ old: one })}>
                        {w('edit', { name: one.value.text })}
                      </button>
                      <RemoveButton
                        name={one.value.text}
                        onSure={() => void notes.remove(one, one.value.text)}
                      />
                    </>
                  )}
                </Line>
              ))}
          </Lines>
        )}
      </Answered>
      {!notes.mayEdit && <p class="muted">{w('readOnly')}</p>}
      {notes.mayEdit && !editing && (
        <button type="button" class="button is-main" onClick={() => open({ old: null })}>
          {w('note.new')}
        </button>
      )}
      {conflict && (
        <p class="notice is-trouble" role="alert">
          {conflict}
        </p>
      )}
      {editing && (
        <NoteForm key={editing.old?.id} old={editing.old?.value} onSave={save} onCancel={() => open(null)} />
      )}
    </>
  );
}

function NoteForm(props: {
  old: Note | undefined;
  onSave: (note: Note) => Promise<Refusal | null>;
  onCancel: () => void;
}) {
  const { store } = useApp();
  const { w } = useManage();
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [date, time] = (props.old?.at ?? store.today.peek()).split('T');
  return (
    <form
      class="manage-form"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        const clock = String(form.get('time'));
        const at = clock ? `${form.get('day')}T${clock}` : String(form.get('day'));
        void props.onSave({ at, text: String(form.get('text')).trim() }).then(setRefusal);
      }}
    >
      <Field label={w('note.day')}>
        <input type="date" name="day" required value={date} />
      </Field>
      <Field label={w('note.time')}>
        <input type="time" name="time" value={time ?? ''} />
      </Field>
      <Field label={w('note.text')}>
        <input name="text" required maxLength={500} autocomplete="off" value={props.old?.text ?? ''} />
      </Field>
      <Refused refusal={refusal} />
      <div class="dialog-actions">
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
