/** What stands below the lists: where a page was clicked, and how far visits came. */
import '../styles/lower.css';
import { ClickMap } from '../clicks/ClickMapPanel.tsx';
import { FunnelPanel } from '../funnels/FunnelPanel.tsx';
import { WORDS, WordsContext } from '../i18n/parts/below.ts';
import { useApp } from '../ui/context.ts';
import { useLoadedWords } from '../ui/useLoadedWords.ts';

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
