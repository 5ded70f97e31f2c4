/** English texts of what is behind a change. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'why.title': 'What is behind the change in {metric}?',
  'why.total': '{now} now, {before} before',
  'why.what': 'Item',
  'why.now': 'Now',
  'why.before': 'Previous',
  'why.difference': 'Change',
  'why.none': 'Nothing stands out.',
  'why.overlap': 'Rows of different kinds overlap: the same visit can count in several of them.',
  'why.close': 'Close',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
