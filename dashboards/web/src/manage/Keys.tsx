/** API keys of the site. A new key is shown once. */
import { useState } from 'preact/hooks';
import { useApp } from '../ui/context.ts';
import { useManage, useRevocable } from './context.ts';
import { Answered, Line, Lines, Refused, RemoveButton, Secret } from './parts.tsx';

type ApiKey = { id: number; name: string; created: string; created_by: string; used: string | null };

export function Keys() {
  const { fmt } = useApp();
  const { control, site, w } = useManage();
  const keys = useRevocable<{ keys: ApiKey[] }, { key: string }>(control.of(site, 'keys'));
  const [made, setMade] = useState<string | null>(null);
  const day = (text: string) => fmt.range({ from: text.slice(0, 10), to: text.slice(0, 10) });

  async function add(form: HTMLFormElement): Promise<void> {
    const name = String(new FormData(form).get('name')).trim();
    const added = await keys.add({ name, scopes: ['query'] });
    if (!added) return;
    setMade(added.key);
    form.reset();
  }
  return (
    <Answered answer={keys.answer} reload={keys.reload}>
      {({ keys: list }) => (
        <>
          <Lines isEmpty={list.length === 0}>
            {list.map((one) => {
              const by = w('changedBy', { who: one.created_by, when: day(one.created) });
              const used = one.used ? w('key.used', { when: day(one.used) }) : w('key.unused');
              return (
                <Line key={one.id} name={one.name} description={`${by}; ${used}`}>
                  <RemoveButton name={one.name} onConfirm={() => void keys.revoke(one)} />
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
          <Refused refusal={keys.refusal} />
          {made && <Secret key={made} label={w('key.made')} text={made} />}
        </>
      )}
    </Answered>
  );
}
