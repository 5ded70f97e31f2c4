/** Shared links: the site's reports through the filters that are set now, for whoever has the link. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/control.ts';
import { useApp } from '../shell/context.ts';
import { useFilterText } from '../shell/FilterBar.tsx';
import { toWire } from '../state/filter.ts';
import { useManage, useRead } from './context.ts';
import { Answered, Field, Line, Lines, Refused, RemoveButton, Secret } from './parts.tsx';

type Link = {
  id: number;
  name: string;
  filters: unknown[];
  frame_ancestors: string[];
  expires: string | null;
  has_password: boolean;
  created: string;
  created_by: string;
};

export function Links() {
  const { fmt } = useApp();
  const { control, site, w, tell } = useManage();
  const path = control.of(site, 'links');
  const { answer, reload } = useRead<{ links: Link[] }>(path);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [made, setMade] = useState<{ url: string; isEmbeddable: boolean } | null>(null);
  const day = (text: string) => fmt.range({ from: text.slice(0, 10), to: text.slice(0, 10) });
  const says = (one: Link) =>
    [
      w('changedBy', { who: one.created_by, when: day(one.created) }),
      ...(one.has_password ? [w('link.hasPassword')] : []),
      ...(one.expires ? [w('link.until', { when: day(one.expires) })] : []),
      ...(one.filters.length > 0
        ? [one.filters.map((filter) => (filter as unknown[]).flat().join(' ')).join(', ')]
        : []),
      ...one.frame_ancestors,
    ].join('; ');
  async function revoke(one: Link): Promise<void> {
    const revoked = await control.send('DELETE', `${path}/${one.id}`);
    setRefusal(revoked.ok ? null : revoked.refusal);
    if (revoked.ok) tell(w('removed', { name: one.name }));
    await reload();
  }
  return (
    <Answered answer={answer} reload={reload}>
      {({ links }) => (
        <>
          <Lines isEmpty={links.length === 0}>
            {links.map((one) => (
              <Line key={one.id} name={one.name} says={says(one)}>
                <RemoveButton name={one.name} onSure={() => void revoke(one)} />
              </Line>
            ))}
          </Lines>
          <NewLink
            path={path}
            onMade={async (link, isEmbeddable) => {
              setMade({ url: new URL(link, location.href).href, isEmbeddable });
              await reload();
            }}
          />
          <Refused refusal={refusal} />
          {made && <Secret key={made.url} label={w('link.made')} text={made.url} />}
          {made?.isEmbeddable && (
            <Secret
              label={w('link.embed')}
              text={`<iframe src="${made.url}" title="${site}" loading="lazy"></iframe>`}
            />
          )}
        </>
      )}
    </Answered>
  );
}

function NewLink(props: { path: string; onMade: (path: string, isEmbeddable: boolean) => Promise<void> }) {
  const { store } = useApp();
  const { control, w } = useManage();
  const { filterText } = useFilterText();
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const { filters } = store.view.value;
  async function add(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '').trim();
    const frames = text('frames')
      .split(/[\s,]+/)
      .filter((origin) => origin !== '');
    const answer = await control.send<{ path: string }>('POST', props.path, {
      name: text('name'),
      filters: filters.map(toWire),
      ...(text('password') ? { password: text('password') } : {}),
      ...(text('expires') ? { expires: `${text('expires')}T23:59:59Z` } : {}),
      ...(frames.length > 0 ? { frame_ancestors: frames } : {}),
    });
    setRefusal(answer.ok ? null : answer.refusal);
    if (!answer.ok) return;
    form.reset();
    await props.onMade(answer.value.path, frames.length > 0);
  }
  return (
    <form
      class="manage-form"
      onSubmit={(event) => {
        event.preventDefault();
        void add(event.currentTarget);
      }}
    >
      <h3>{w('link.new')}</h3>
      <p class="muted">
        {filters.length > 0
          ? w('link.filters', { filters: filters.map(filterText).join(', ') })
          : w('link.filtersNone')}
      </p>
      <Field label={w('name')}>
        <input name="name" required maxLength={64} autocomplete="off" />
      </Field>
      <Field label={w('link.password')}>
        <input name="password" type="password" maxLength={256} autocomplete="new-password" />
      </Field>
      <Field label={w('link.expires')}>
        <input name="expires" type="date" />
      </Field>
      <Field label={w('link.frames')}>
        <input name="frames" autocomplete="off" spellcheck={false} />
      </Field>
      <Refused refusal={refusal} />
      <div class="dialog-actions">
        <button type="submit" class="button is-main">
          {w('add')}
        </button>
      </div>
    </form>
  );
}
