/** The whole page, from top to bottom. */
import { useSignal, useSignalEffect } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import { Changes } from '../changes/Changes.tsx';
import { ChartCard } from '../chart/ChartCard.tsx';
import { FilterBar } from '../filters/FilterBar.tsx';
import { createFormat } from '../format/format.ts';
import type { Catalogue } from '../i18n/catalogue.en.ts';
import { createTranslate, isPseudo, type Locale, loadCatalogue, type Pseudo } from '../i18n/translate.ts';
import { DetailDialog } from '../lists/DetailDialog.tsx';
import { ListPanel } from '../lists/ListPanel.tsx';
import { Headlines } from '../panels/Headlines.tsx';
import { Journeys } from '../panels/Journeys.tsx';
import { QualityStrip } from '../panels/QualityStrip.tsx';
import { Returning } from '../panels/Returning.tsx';
import type { Store } from '../store.ts';
import { AppContext, useApp } from '../ui/context.ts';
import { Lazy, Near } from '../ui/lazy.tsx';
import type { Preferences } from '../ui/preferences.ts';
import { readyValue } from '../viewmodels/known.ts';
import { Header } from './Header.tsx';
import { Notices } from './Notices.tsx';
import { Shortcuts } from './Shortcuts.tsx';

export function App(props: {
  store: Store;
  preferences: Preferences;
  locale: Locale | Pseudo;
  catalogue: Catalogue;
}) {
  const { store, preferences } = props;
  const [language, setLanguage] = useState({ locale: props.locale, catalogue: props.catalogue });
  const { locale, catalogue } = language;
  const editing = useSignal<number | 'new' | null>(null);
  const app = useMemo(() => {
    const tag = isPseudo(locale) ? 'en' : locale;
    const t = createTranslate(catalogue, tag);
    return {
      store,
      preferences,
      editing,
      locale,
      t,
      fmt: createFormat(regional(tag), t),
      setLocale: (next: Locale) => {
        preferences.saveLocale(next);
        store.go({ lang: null }, 'replace');
        void loadCatalogue(next).then((loaded) => setLanguage({ locale: next, catalogue: loaded }));
      },
    };
  }, [store, preferences, editing, language]);

  document.documentElement.lang = isPseudo(locale) ? 'en' : locale;
  document.documentElement.dir = locale === 'qpsr' ? 'rtl' : 'ltr';
  useSignalEffect(() => {
    document.documentElement.dataset['theme'] = preferences.theme.value;
  });
  useSignalEffect(() => {
    document.title = store.site.value ? `${store.site.value.id} · ${app.t('app.title')}` : app.t('app.title');
  });

  return (
    <AppContext.Provider value={app}>
      <a class="skip" href="#numbers">
        {app.t('app.skip')}
      </a>
      <Header />
      <main id="numbers" tabIndex={-1}>
        <Notices />
        {store.site.value ? <Board /> : <p class="card notice-card">{app.t('app.noSites')}</p>}
      </main>
      <DetailDialog />
      <Shortcuts />
    </AppContext.Provider>
  );
}

function Board() {
  const { store } = useApp();
  const { manage } = store.view.value;
  if (manage && !store.boot.link)
    return <Lazy load={loadManage} with={{ section: manage }} class="skeleton chart-skeleton" />;
  return <Numbers />;
}

const loadManage = async () => (await import('../manage/Manage.tsx')).Manage;

function Numbers() {
  const { store } = useApp();
  const totals = store.known('totals');
  const isQuiet = !readyValue(totals)?.results[0]?.metrics.some((value) => (value ?? 0) > 0);
  const isUnfiltered = store.view.value.filters.length === 0;
  if (totals.status === 'ready' && !totals.isStale && isQuiet && isUnfiltered) {
    return <Lazy load={loadFirstRun} with={{}} class="skeleton chart-skeleton" />;
  }
  return (
    <>
      <div class="board-top">
        <Changes />
        <FilterBar />
      </div>
      <section class="card summary" aria-busy={store.isLoading.value}>
        <Headlines />
        <ChartCard />
      </section>
      <div class="panels">
        <ListPanel panel="sources" />
        <ListPanel panel="pages" />
        <ListPanel panel="countries" />
        <ListPanel panel="browsers" />
        <Returning />
        <Journeys />
        {store.goals.value.length > 0 && <ListPanel panel="goals" />}
      </div>
      <Near load={loadLowerPanels} with={{}} class="lower-place" />
      <QualityStrip />
    </>
  );
}

const loadLowerPanels = async () => (await import('./LowerPanels.tsx')).LowerPanels;

/** Only a new or quiet site needs it, so it is fetched only then. */
const loadFirstRun = async () => (await import('./FirstRun.tsx')).FirstRun;

/** The reader's own region ("de-AT") decides how dates and numbers are formatted. */
function regional(tag: string): string {
  return navigator.languages.find((language) => language.split('-')[0] === tag) ?? tag;
}
