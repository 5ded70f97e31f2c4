import type { Preset } from '../state/period.ts';

/** Keys of the periods. Shortcuts can be switched off and are ignored in text fields. */
export const PERIOD_KEYS: Partial<Record<Preset, string>> = {
  today: 'D',
  '7d': 'W',
  '28d': 'R',
  month: 'M',
  '12mo': 'Y',
};
