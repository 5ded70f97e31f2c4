/** The reader's preferences: stored in this browser, never in the address. */
import { type Signal, signal } from '@preact/signals';
import { type Filter, parseFilter, writeFilter } from '../state/filter.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
export type SavedFilter = { name: string; filters: Filter[] };

export type Preferences = {
  locale: string | null;
  saveLocale: (locale: string) => void;
  theme: Signal<Theme>;
  saveTheme: (theme: Theme) => void;
  hasKeys: Signal<boolean>;
  saveKeys: (on: boolean) => void;
  saved: Signal<SavedFilter[]>;
  saveFilters: (list: SavedFilter[]) => void;
};

/** Filters that one browser saves. */
const SAVED_MAX = 30;

export function createPreferences(storage: Storage | null): Preferences {
  const read = (key: string): string | null => {
    try {
      return storage?.getItem(`sillage.${key}`) ?? null;
    } catch {
      // The browser forbids storage; preferences then last until the page is closed.
      return null;
    }
  };
  const write = (key: string, value: string): void => {
    try {
      storage?.setItem(`sillage.${key}`, value);
    } catch {
      // As above, or storage is full.
    }
  };
  const storedTheme = read('theme');
  const theme = signal<Theme>(THEMES.find((name) => name === storedTheme) ?? 'auto');
  const hasKeys = signal(read('keys') !== 'off');
  const saved = signal(parseSaved(read('filters')));
  return {
    locale: read('locale'),
    saveLocale: (value) => write('locale', value),
    theme,
    saveTheme(value) {
      theme.value = value;
      write('theme', value);
    },
    hasKeys,
    saveKeys(on) {
      hasKeys.value = on;
      write('keys', on ? 'on' : 'off');
    },
    saved,
    saveFilters(list) {
      saved.value = list.slice(0, SAVED_MAX);
      const rows = saved.value.map((one) => ({ name: one.name, filters: one.filters.map(writeFilter) }));
      write('filters', JSON.stringify(rows));
    },
  };
}

function parseSaved(text: string | null): SavedFilter[] {
  if (!text) return [];
  try {
    const rows = JSON.parse(text) as { name: string; filters: string[] }[];
    return rows.slice(0, SAVED_MAX).map((row) => ({
      name: String(row.name),
      filters: row.filters.map(parseFilter).filter((filter) => filter !== null),
    }));
  } catch {
    return [];
  }
}
