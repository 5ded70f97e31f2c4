import type { Preset } from '../state/period.ts';

/** Single-key shortcuts; they can be switched off, and rest while somebody types. */
export const PERIOD_KEYS: Partial<Record<Preset, string>> = {
  today: 'D',
  '7d': 'W',
  '28d': 'R',
  month: 'M',
  '12mo': 'Y',
};
