/** Notes: what happened on a day, or at a minute, of the site's clock. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/control.ts';
import { useApp } from '../ui/context.ts';
import { useEditing, useManage, useSiteObjects } from './context.ts';
import { Answered, Conflict, Field, Line, Lines, Refused, RemoveButton, useFirstField } from './parts.tsx';

type Note = { at: string; text: string };

export function Notes() {
  const { fmt } = useApp();
  const { w } = useManage();
  const notes = useSiteObjects<Note>('annotations');
  const when = ({ at }: Note) => {
    const [date = '', time] = at.split('T');
    return time ? `${fmt.range({ from: date, to: date })} ${time}` : fmt.range({ from: date, to: date });
  };
  const editing = useEditing(notes, (note) => `${when(note)}, ${note.text}`);
  return (
    <>
      <Answered answer={notes.answer} reload={notes.reload}>
        {(list) => (
          <Lines isEmpty={list.length === 0}>
            {[...list]
              .sort((a, b) => (a.value.at < b.value.at ? 1 : -1))
              .map((one) => (
                <Line key={one.id} name={one.value.text} description={when(one.value)}>
                  {notes.mayEdit && (
                    <>
                      <button type="button" class="button is-quiet" onClick={() => editing.begin(one)}>
                        {w('edit', { name: one.value.text })}
                      </button>
                      <RemoveButton
                        name={one.value.text}
                        onConfirm={() => void notes.remove(one, one.value.text)}
                      />
                    </>
                  )}
                </Line>
              ))}
          </Lines>
        )}
      </Answered>
      {!notes.mayEdit && <p class="muted">{w('readOnly')}</p>}
      {notes.mayEdit && !editing.open && (
        <button type="button" class="button is-main" onClick={() => editing.begin(null)}>
          {w('note.new')}
        </button>
      )}
      <Conflict text={editing.conflict} />
      {editing.open && (
        <NoteForm
          key={editing.open.old?.id}
          old={editing.open.old?.value}
          onSave={(note) => editing.save(note, note.text)}
          onCancel={editing.end}
        />
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
  const form = useFirstField();
  const [date, time] = (props.old?.at ?? store.today.peek()).split('T');
  return (
    <form
      ref={form}
      class="manage-form"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const clock = String(data.get('time'));
        const at = clock ? `${data.get('day')}T${clock}` : String(data.get('day'));
        void props.onSave({ at, text: String(data.get('text')).trim() }).then(setRefusal);
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
