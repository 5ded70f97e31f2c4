/**
 * The panels below the lists, fetched when the reader scrolls near: the click map and the funnel.
 */
import '../styles/lower.css';
import { ClickMapPanel } from '../clicks/ClickMapPanel.tsx';
import { FunnelPanel } from '../funnels/FunnelPanel.tsx';
import { useApp } from '../ui/context.ts';

export function LowerPanels() {
  const { store } = useApp();
  return (
    <div class="lower">
      <ClickMapPanel />
      {/* A step can single out a few visits, so shared links get no answers about funnels. */}
      {!store.boot.link && <FunnelPanel />}
    </div>
  );
}
