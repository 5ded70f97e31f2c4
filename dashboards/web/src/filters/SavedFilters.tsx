/**
 * Saved filters: those of the site, the reader's own and, without a log-in, those of this browser.
 */
import { useEffect, useMemo, useState } from 'preact/hooks';
import {
  type ControlAnswer,
  createControl,
  type Me,
  mayEdit,
  roleOn,
  type SiteObject,
} from '../api/control.ts';
import { type Filter, toWire } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';
import { useFilterText } from './filterText.ts';
import { FilterTexts, useTexts } from './texts.ts';
import { fromWire, type WireSavedFilter } from './wire.ts';

/** A row of the list. `filters` is `null` if this page cannot show them. */
type Row = { key: string; name: string; filters: Filter[] | null; remove: (() => void) | null };

export function SavedFilters({ onClose }: { onClose: () => void }) {
  const loading = <div class="skeleton-rows" aria-busy="true" />;
  return (
    <FilterTexts loading={loading}>
      <List onClose={onClose} />
    </FilterTexts>
  );
}

function List({ onClose }: { onClose: () => void }) {
  const w = useTexts();
  const { store, t, preferences } = useApp();
  const control = useMemo(() => createControl(), []);
  const site = store.site.value?.id ?? '';
  const { filters } = store.view.value;
  const [saved, setSaved] = useState<SiteObject<WireSavedFilter>[]>([]);
  /** `undefined`: not known yet. `null`: not logged in. */
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  const [message, setMessage] = useState('');

  async function read(): Promise<void> {
    const [list, account] = await Promise.all([
      control.list<WireSavedFilter>(site, 'saved-filters'),
      control.me(),
    ]);
    setSaved(list.ok ? list.value : []);
    setMe(account.ok ? account.value : null);
  }
  useEffect(() => void read(), [site]);

  const showOutcome = async (answer: ControlAnswer<unknown>) => {
    setMessage(answer.ok ? '' : refusalText(answer.refusal, t));
    await read();
  };
  const canShare = mayEdit(roleOn(me ?? null, site));
  const rows = (isOwn: boolean): Row[] =>
    saved
      .filter(({ own }) => own === isOwn)
      .map((one) => ({
        key: String(one.id),
        name: one.value.name,
        filters: fromWire(one.value.filters),
        remove:
          me && (isOwn || canShare)
            ? () => void control.remove(site, 'saved-filters', one).then(showOutcome)
            : null,
      }));
  const inBrowser = preferences.saved.value.map((one) => ({
    key: one.name,
    name: one.name,
    filters: one.filters,
    remove: () => preferences.saveFilters(preferences.saved.peek().filter((other) => other !== one)),
  }));

  async function save(form: FormData): Promise<void> {
    const name = String(form.get('name')).trim();
    if (!name) return;
    if (!me) {
      const others = preferences.saved.peek().filter((one) => one.name !== name);
      preferences.saveFilters([...others, { name, filters }]);
      return onClose();
    }
    const isOwn = form.get('for') !== 'site';
    const answer = await control.add(site, 'saved-filters', { name, filters: filters.map(toWire) }, isOwn);
    await showOutcome(answer);
    if (answer.ok) onClose();
  }

  if (me === undefined) return <div class="skeleton-rows" aria-busy="true" />;
  const isEmpty = saved.length === 0 && inBrowser.length === 0;
  return (
    <>
      <Rows title={w('saved.site')} rows={rows(false)} onClose={onClose} />
      <Rows title={w('saved.own')} rows={rows(true)} onClose={onClose} />
      <Rows title={w('saved.here')} rows={inBrowser} onClose={onClose} />
      {isEmpty && filters.length === 0 && <p class="menu-note muted">{w('saved.none')}</p>}
      {filters.length > 0 && (
        <form
          class="range-form"
          onSubmit={(event) => {
            event.preventDefault();
            void save(new FormData(event.currentTarget));
          }}
        >
          <fieldset>
            <legend>{w('saved.save')}</legend>
            <label>
              <span>{w('saved.name')}</span>
              <input name="name" required maxLength={60} autocomplete="off" />
            </label>
            {canShare && (
              <label>
                <span>{w('saved.for')}</span>
                <select name="for">
                  <option value="me">{w('saved.forMe')}</option>
                  <option value="site">{w('saved.forSite')}</option>
                </select>
              </label>
            )}
            <button type="submit" class="button">
              {w('saved.submit')}
            </button>
          </fieldset>
          {!me && <p class="menu-note muted">{w('saved.here')}</p>}
        </form>
      )}
      <p class="menu-note" role="status">
        {message}
      </p>
    </>
  );
}

function Rows(props: { title: string; rows: Row[]; onClose: () => void }) {
  const { store } = useApp();
  const filterText = useFilterText();
  const w = useTexts();
  if (props.rows.length === 0) return null;
  return (
    <>
      <p class="menu-title">{props.title}</p>
      {props.rows.map(({ key, name, filters, remove }) => (
        <div key={key} class="menu-row">
          <button
            type="button"
            class="menu-item"
            disabled={filters === null}
            title={filters ? filters.map(filterText).join(', ') : w('saved.notHere')}
            onClick={() => {
              if (filters) store.go({ filters });
              props.onClose();
            }}
          >
            <span>{name}</span>
          </button>
          {remove && (
            <button
              type="button"
              class="chip-remove"
              aria-label={w('saved.remove', { name })}
              onClick={remove}
            >
              <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                <path d="m3 3 6 6M9 3 3 9" />
              </svg>
            </button>
          )}
        </div>
      ))}
    </>
  );
}
