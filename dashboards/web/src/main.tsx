/** Starts the page: embedded data, the reader's language, store, polling. */
import { render } from 'preact';
import { createClient, readBoot } from './api/client.ts';
import { App } from './app/App.tsx';
import { loadCatalogue, pickLocale } from './i18n/translate.ts';
import { PAUSE_MS_MIN, SHARED_PAUSE_MS_MIN, startPolling } from './polling.ts';
import { createStore } from './store.ts';
import { Failure } from './ui/Failure.tsx';
import { createPreferences } from './ui/preferences.ts';

async function start(root: HTMLElement): Promise<void> {
  const embedded = readBoot(document.getElementById('boot')?.textContent);
  const client = createClient(undefined, embedded?.link?.bearer);
  const preferences = createPreferences(storageOrNull());
  const requested = new URLSearchParams(location.search).get('lang');
  const locale = pickLocale(
    [requested, preferences.locale, ...navigator.languages].filter((tag) => tag !== null),
  );
  const [catalogue, boot] = await Promise.all([
    loadCatalogue(locale),
    embedded ? { ok: true as const, value: embedded } : client.sites(),
  ]);
  if (!boot.ok) {
    render(<Failure failure={boot.failure} catalogue={catalogue} locale={locale} />, root);
    return;
  }
  const store = createStore({
    boot: boot.value,
    client,
    environment: {
      search: () => location.search,
      push: (address) => history.pushState(null, '', address || location.pathname),
      replace: (address) => history.replaceState(null, '', address || location.pathname),
      now: () => new Date(),
    },
  });
  addEventListener('popstate', () => store.readAddress());
  startPolling(store, boot.value.link ? SHARED_PAUSE_MS_MIN : PAUSE_MS_MIN);
  render(<App store={store} preferences={preferences} locale={locale} catalogue={catalogue} />, root);
}

function storageOrNull(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

const root = document.getElementById('app');
if (root) void start(root);
