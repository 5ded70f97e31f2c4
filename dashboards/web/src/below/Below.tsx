/** What stands below the lists: where a page was clicked, and how far visits came. */
import './below.css';
import { useLoadedWords } from '../i18n/useLoaded.ts';
import { useApp } from '../shell/context.ts';
import { ClickMap } from './ClickMap.tsx';
import { FunnelPanel } from './FunnelPanel.tsx';
import { WORDS, WordsContext } from './words.ts';

export function Below() {
  const { store } = useApp();
  const words = useLoadedWords(WORDS);
  if (!words) return <div class="below" aria-busy="true" />;
  return (
    <WordsContext.Provider value={words}>
      <div class="below">
        <ClickMap />
        {/* Each step tells a few visits apart, so whoever has only a link is not answered. */}
        {!store.boot.link && <FunnelPanel />}
      </div>
    </WordsContext.Provider>
  );
}
