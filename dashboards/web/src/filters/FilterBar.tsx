/** The filters in force as chips, the editor for one of them, and the menu of saved filters. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Filter, sameFilter } from '../state/filter.ts';
import { useApp } from '../ui/context.ts';
import { Lazy } from '../ui/lazy.tsx';
import { Menu } from '../ui/Menu.tsx';
import { useFilterText } from './filterText.ts';

const loadForm = async () => (await import('./FilterForm.tsx')).FilterForm;
const loadSaved = async () => (await import('./SavedFilters.tsx')).SavedFilters;

export function FilterBar() {
  const { store, t, editing } = useApp();
  const { filters } = store.view.value;
  const filterText = useFilterText();
  return (
    <div class="filter-bar">
      <ul class="chips" aria-label={t('filter.label')}>
        {filters.map((filter, index) => {
          const text = filterText(filter);
          return (
            <li key={text} class="chip" data-testid="chip">
              <button
                type="button"
                class="chip-text"
                title={t('filter.edit', { filter: text })}
                onClick={() => {
                  editing.value = index;
                }}
              >
                {text}
              </button>
              <button
                type="button"
                class="chip-remove"
                aria-label={t('filter.remove', { filter: text })}
                onClick={() => store.go({ filters: filters.filter((_, i) => i !== index) })}
              >
                <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                  <path d="m3 3 6 6M9 3 3 9" />
                </svg>
              </button>
            </li>
          );
        })}
      </ul>
      <button
        type="button"
        class="button is-quiet"
        data-testid="add-filter"
        onClick={() => {
          editing.value = 'new';
        }}
      >
        <span aria-hidden="true">+</span> {t('filter.add')}
      </button>
      <SavedMenu />
      {filters.length > 1 && (
        <button type="button" class="button is-quiet" onClick={() => store.go({ filters: [] })}>
          {t('filter.clear')}
        </button>
      )}
      <FilterEditor />
    </div>
  );
}

function FilterEditor() {
  const { store, t, editing } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const { filters } = store.view.value;
  const place = editing.value;
  const current = typeof place === 'number' ? filters[place] : undefined;

  useEffect(() => {
    if (place !== null && !dialog.current?.open) dialog.current?.showModal();
    if (place === null && dialog.current?.open) dialog.current.close();
  }, [place]);

  const close = () => {
    editing.value = null;
  };
  const apply = (next: Filter) => {
    const list =
      typeof place === 'number' ? filters.map((f, i) => (i === place ? next : f)) : [...filters, next];
    store.go({ filters: list.filter((f, i) => list.findIndex((g) => sameFilter(f, g)) === i) });
    close();
  };
  return (
    <dialog ref={dialog} class="dialog is-small" aria-labelledby="filter-title" onClose={close}>
      <h2 id="filter-title">{t('filter.title')}</h2>
      {place !== null && (
        <Lazy
          load={loadForm}
          with={{ current, onApply: apply, onCancel: close }}
          class="skeleton chart-skeleton"
        />
      )}
    </dialog>
  );
}

/** The menu of saved filters. Their list is fetched when the menu is opened. */
function SavedMenu() {
  const { store, t, preferences } = useApp();
  const [isOpened, setOpened] = useState(false);
  // Readers of a shared link cannot save filters.
  if (store.boot.link || !store.site.value) return null;
  if (store.boot.demo && preferences.saved.value.length === 0 && store.view.value.filters.length === 0)
    return null;
  return (
    <Menu label={t('filter.saved')} class="button is-quiet" testId="saved" onOpen={() => setOpened(true)}>
      {(close) => isOpened && <Lazy load={loadSaved} with={{ onClose: close }} class="skeleton-rows" />}
    </Menu>
  );
}
