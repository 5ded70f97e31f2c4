/** Filters kept for another day: the site's, one's own, and, where nobody is logged in, this browser's. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { createControl, type Kept, type Me, mayEdit, roleOn, type Told } from '../api/control.ts';
import type { WordFiles } from '../i18n/part.ts';
import { en, type Key } from '../i18n/parts/filters.en.ts';
import type { TranslateOf } from '../i18n/translate.ts';
import { type Filter, toWire } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';
import { useLoadedWords } from '../ui/useLoadedWords.ts';
import { useFilterText } from './FilterBar.tsx';
import { fromWire } from './wire.ts';

type Saved = { name: string; filters: unknown[] };
/** One line of the list; `filters` is `null` where this page can't show them. */
type Line = { key: string; name: string; filters: Filter[] | null; forget: (() => void) | null };

export const WORDS: WordFiles<Key> = {
  en,
  ja: async () => (await import('../i18n/parts/filters.ja.ts')).ja,
  de: async () => (await import('../i18n/parts/filters.de.ts')).de,
};

export function SavedFilters({ onClose }: { onClose: () => void }) {
  const words = useLoadedWords(WORDS);
  return words ? <List words={words} onClose={onClose} /> : <div class="skeleton-rows" aria-busy="true" />;
}

function List({ words: w, onClose }: { words: TranslateOf<Key>; onClose: () => void }) {
  const { store, t, preferences } = useApp();
  const control = useMemo(() => createControl(), []);
  const site = store.site.value?.id ?? '';
  const { filters } = store.view.value;
  const [kept, setKept] = useState<Kept<Saved>[]>([]);
  /** `undefined`: not known yet. `null`: nobody is logged in. */
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  const [told, setTold] = useState('');

  async function read(): Promise<void> {
    const [list, who] = await Promise.all([control.list<Saved>(site, 'saved-filters'), control.me()]);
    setKept(list.ok ? list.value : []);
    setMe(who.ok ? who.value : null);
  }
  useEffect(() => void read(), [site]);

  const say = async (answer: Told<unknown>) => {
    setTold(answer.ok ? '' : refusalText(answer.refusal, t));
    await read();
  };
  const mayAll = mayEdit(roleOn(me ?? null, site));
  const lines = (isOwn: boolean): Line[] =>
    kept
      .filter(({ own }) => own === isOwn)
      .map((one) => ({
        key: String(one.id),
        name: one.value.name,
        filters: fromWire(one.value.filters),
        forget:
          me && (isOwn || mayAll) ? () => void control.remove(site, 'saved-filters', one).then(say) : null,
      }));
  const here = preferences.saved.value.map((one) => ({
    key: one.name,
    name: one.name,
    filters: one.filters,
    forget: () => preferences.saveFilters(preferences.saved.peek().filter((other) => other !== one)),
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
    await say(answer);
    if (answer.ok) onClose();
  }

  if (me === undefined) return <div class="skeleton-rows" aria-busy="true" />;
  const isEmpty = kept.length === 0 && here.length === 0;
  return (
    <>
      <Lines title={w('saved.site')} lines={lines(false)} words={w} onClose={onClose} />
      <Lines title={w('saved.own')} lines={lines(true)} words={w} onClose={onClose} />
      <Lines title={w('saved.here')} lines={here} words={w} onClose={onClose} />
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
            {mayAll && (
              <label>
                <span>{w('saved.for')}</span>
                <select name="for">
                  <option value="me">{w('saved.forMe')}</option>
                  <option value="site">{w('saved.forSite')}</option>
                </select>
              </label>
            )}
            <button type="submit" class="button">
              {w('saved.do')}
            </button>
          </fieldset>
          {!me && <p class="menu-note muted">{w('saved.here')}</p>}
        </form>
      )}
      <p class="menu-note" role="status">
        {told}
      </p>
    </>
  );
}

function Lines(props: { title: string; lines: Line[]; words: TranslateOf<Key>; onClose: () => void }) {
  const { store } = useApp();
  const { filterText } = useFilterText();
  const w = props.words;
  if (props.lines.length === 0) return null;
  return (
    <>
      <p class="menu-title">{props.title}</p>
      {props.lines.map(({ key, name, filters, forget }) => (
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
          {forget && (
            <button
              type="button"
              class="chip-remove"
              aria-label={w('saved.forget', { name })}
              onClick={forget}
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
