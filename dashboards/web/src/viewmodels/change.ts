/** How a number changed since the earlier period. Never divides by zero. */
import type { Metric } from '../api/types.ts';
import type { Change } from '../format/format.ts';

/** A smaller relative change counts as no change. */
const FLAT_BELOW = 0.005;

/** Metrics for which a lower value is better. */
const LESS_IS_BETTER: readonly Metric[] = ['bounce_rate'];

export function changeOf(metric: Metric, now: number | null, before: number | null): Change {
  if (now === null || before === null) return { kind: 'none', amount: 0, tone: 'flat' };
  const tone = (amount: number): Change['tone'] => {
    if (amount === 0) return 'flat';
    return amount > 0 !== LESS_IS_BETTER.includes(metric) ? 'good' : 'bad';
  };
  if (metric === 'bounce_rate' || metric === 'scroll_depth') {
    const amount = Math.round((now - before) * 10) / 10;
    return { kind: 'points', amount, tone: tone(amount) };
  }
  if (before === 0) {
    return now === 0
      ? { kind: 'percent', amount: 0, tone: 'flat' }
      : { kind: 'new', amount: 0, tone: tone(1) };
  }
  const ratio = (now - before) / before;
  const amount = Math.abs(ratio) < FLAT_BELOW ? 0 : ratio;
  return { kind: 'percent', amount, tone: tone(amount) };
}
