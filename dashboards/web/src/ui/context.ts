/** What every component can use: store, texts (`t`), formats (`fmt`), preferences. */
import type { Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Format } from '../format/format.ts';
import type { Locale, Pseudo, Translate } from '../i18n/translate.ts';
import type { Store } from '../store.ts';
import type { Preferences } from './preferences.ts';

export type App = {
  store: Store;
  t: Translate;
  fmt: Format;
  locale: Locale | Pseudo;
  preferences: Preferences;
  setLocale: (locale: Locale) => void;
  /** The filter in the editor: its index, a new one, or none. */
  editing: Signal<number | 'new' | null>;
};

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('useApp outside of AppContext');
  return app;
}
