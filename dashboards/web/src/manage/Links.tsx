/** Shared links: anyone with a link sees the site through the filters it was created with. */
import { useState } from 'preact/hooks';
import { useFilterText } from '../filters/filterText.ts';
import { instantOf } from '../state/date.ts';
import { toWire } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { useManage, useRevocable } from './context.ts';
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
  const { control, site, w } = useManage();
  const links = useRevocable<{ links: Link[] }, { path: string }>(control.of(site, 'links'));
  const [made, setMade] = useState<{ url: string; isEmbeddable: boolean } | null>(null);
  const day = (text: string) => fmt.range({ from: text.slice(0, 10), to: text.slice(0, 10) });
  const describe = (one: Link) =>
    [
      w('changedBy', { who: one.created_by, when: day(one.created) }),
      ...(one.has_password ? [w('link.hasPassword')] : []),
      ...(one.expires ? [w('link.until', { when: day(one.expires) })] : []),
      ...(one.filters.length > 0
        ? [one.filters.map((filter) => (filter as unknown[]).flat().join(' ')).join(', ')]
        : []),
      ...one.frame_ancestors,
    ].join('; ');
  return (
    <Answered answer={links.answer} reload={links.reload}>
      {({ links: list }) => (
        <>
          <Lines isEmpty={list.length === 0}>
            {list.map((one) => (
              <Line key={one.id} name={one.name} description={describe(one)}>
                <RemoveButton name={one.name} onConfirm={() => void links.revoke(one)} />
              </Line>
            ))}
          </Lines>
          <NewLink
            onAdd={async (body, isEmbeddable) => {
              const added = await links.add(body);
              if (added) setMade({ url: new URL(added.path, location.href).href, isEmbeddable });
              return added !== null;
            }}
          />
          <Refused refusal={links.refusal} />
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

function NewLink(props: { onAdd: (body: unknown, isEmbeddable: boolean) => Promise<boolean> }) {
  const { store } = useApp();
  const { w } = useManage();
  const filterText = useFilterText();
  const { filters } = store.view.value;
  // The last minute of the day in the site's time zone.
  const endOf = (date: string) =>
    instantOf({ date, hour: 23, minute: 59, timezone: store.site.value?.timezone ?? 'UTC' });
  async function add(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '').trim();
    const frames = text('frames')
      .split(/[\s,]+/)
      .filter((origin) => origin !== '');
    const body = {
      name: text('name'),
      filters: filters.map(toWire),
      ...(text('password') ? { password: text('password') } : {}),
      ...(text('expires') ? { expires: endOf(text('expires')) } : {}),
      ...(frames.length > 0 ? { frame_ancestors: frames } : {}),
    };
    if (await props.onAdd(body, frames.length > 0)) form.reset();
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
      <div class="dialog-actions">
        <button type="submit" class="button is-main">
          {w('add')}
        </button>
      </div>
    </form>
  );
}
