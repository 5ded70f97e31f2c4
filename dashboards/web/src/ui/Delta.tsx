import type { Change } from '../format/format.ts';
import { useApp } from './context.ts';

/** A change: arrow and colour, with words for screen readers. */
export function Delta({ change }: { change: Change }) {
  const { t, fmt } = useApp();
  const text = fmt.change(change);
  if (text === null) {
    return (
      <span class="delta is-flat">
        <span aria-hidden="true">–</span>
        <span class="sr">{t('change.none')}</span>
      </span>
    );
  }
  if (change.kind === 'new') {
    return <span class={`delta is-${change.tone}`}>{text}</span>;
  }
  if (change.amount === 0) {
    return (
      <span class="delta is-flat">
        <span aria-hidden="true">=</span>
        <span class="sr">{t('change.flat')}</span>
      </span>
    );
  }
  const isUp = change.amount > 0;
  return (
    <span class={`delta is-${change.tone}`}>
      <span aria-hidden="true">
        <span class="delta-arrow">{isUp ? '▲' : '▼'}</span>
        {text}
      </span>
      <span class="sr">{t(isUp ? 'change.up' : 'change.down', { amount: text })}</span>
    </span>
  );
}
