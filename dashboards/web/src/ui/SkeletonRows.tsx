/** Placeholder of a list while its rows are loading: as many rows as a panel shows. */
import { PANEL_ROWS } from '../query/tables.ts';
import { useApp } from './context.ts';

export function SkeletonRows() {
  const { t } = useApp();
  return (
    <div class="skeleton-rows">
      <span class="sr">{t('state.loading')}</span>
      {Array.from({ length: PANEL_ROWS }, (_, i) => (
        <div key={String(i)} class="skeleton" />
      ))}
    </div>
  );
}
