/** API keys of the site; a new one is shown once. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/control.ts';
import { useApp } from '../shell/context.ts';
import { useManage, useRead } from './context.ts';
import { Answered, Line, Lines, Refused, RemoveButton, Secret } from './parts.tsx';

type ApiKey = { id: number; name: string; created: string; created_by: string; used: string | null };

export function Keys() {
  const { fmt } = useApp();
  const { control, site, w, tell } = useManage();
  const path = control.of(site, 'keys');
  const { answer, reload } = useRead<{ keys: ApiKey[] }>(path);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const day = (text: string) => fmt.range({ from: text.slice(0, 10), to: text.slice(0, 10) });

  async function add(form: HTMLFormElement): Promise<void> {
    const name = String(new FormData(form).get('name')).trim();
    const added = await control.send<{ key: string }>('POST', path, { name, scopes: ['query'] });
    setRefusal(added.ok ? null : added.refusal);
    if (!added.ok) return;
    setMade(added.value.key);
    form.reset();
    await reload();
  }
  async function revoke(one: ApiKey): Promise<void> {
    const revoked = await control.send('DELETE', `${path}/${one.id}`);
    setRefusal(revoked.ok ? null : revoked.refusal);
    if (revoked.ok) tell(w('removed', { name: one.name }));
    await reload();
  }
  return (
    <Answered answer={answer} reload={reload}>
      {({ keys }) => (
        <>
          <Lines isEmpty={keys.length === 0}>
            {keys.map((one) => {
              const by = w('changedBy', { who: one.created_by, when: day(one.created) });
              const used = one.used ? w('key.used', { when: day(one.used) }) : w('key.unused');
              return (
                <Line key={one.id} name={one.name} says={`${by}; ${used}`}>
                  <RemoveButton name={one.name} onSure={() => void revoke(one)} />
                </Line>
              );
            })}
          </Lines>
          <form
            class="manage-form is-row"
            onSubmit={(event) => {
              event.preventDefault();
              void add(event.currentTarget);
            }}
          >
            <label class="field">
              <span>{w('key.new')}</span>
              <input name="name" required maxLength={64} autocomplete="off" placeholder={w('name')} />
            </label>
            <button type="submit" class="button is-main">
              {w('add')}
            </button>
          </form>
          <Refused refusal={refusal} />
          {made && <Secret key={made} label={w('key.made')} text={made} />}
        </>
      )}
    </Answered>
  );
}
