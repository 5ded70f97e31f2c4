/** Start: what the server wrote into the page, the reader's language, then the page itself. */
import { render } from 'preact';
import { createClient, readBoot } from './api/client.ts';
import { loadCatalogue, pickLocale } from './i18n/translate.ts';
import { App } from './shell/App.tsx';
import { startBeats } from './shell/beats.ts';
import { Failure } from './shell/Failure.tsx';
import { createPreferences } from './shell/preferences.ts';
import { createStore } from './store.ts';

async function start(root: HTMLElement): Promise<void> {
  const client = createClient();
  const preferences = createPreferences(storageOrNull());
  const asked = new URLSearchParams(location.search).get('lang');
  const locale = pickLocale(
    [asked, preferences.locale, ...navigator.languages].filter((tag) => tag !== null),
  );
  const [catalogue, boot] = await Promise.all([loadCatalogue(locale), findBoot(client)]);
  if (!boot.ok) {
    render(<Failure failure={boot.failure} catalogue={catalogue} locale={locale} />, root);
    return;
  }
  const store = createStore({
    boot: boot.value,
    client,
    around: {
      search: () => location.search,
      push: (address) => history.pushState(null, '', address || location.pathname),
      replace: (address) => history.replaceState(null, '', address || location.pathname),
      now: () => new Date(),
    },
  });
  addEventListener('popstate', () => store.readAddress());
  startBeats(store);
  render(<App store={store} preferences={preferences} locale={locale} catalogue={catalogue} />, root);
}

async function findBoot(client: ReturnType<typeof createClient>) {
  const boot = readBoot(document.getElementById('boot')?.textContent);
  return boot ? { ok: true as const, value: boot } : client.sites();
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
