/** English texts of the funnel. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'funnel.title': 'Funnel',
  'funnel.hint': 'How many visits came how far. Choose two to eight steps.',
  'funnel.step': 'Step {n}',
  'funnel.kind': 'Step {n}: what',
  'funnel.value': 'Step {n}: which',
  'funnel.kind.page': 'Page',
  'funnel.kind.name': 'Event',
  'funnel.kind.goal': 'Goal',
  'funnel.up': 'Move step {n} up',
  'funnel.down': 'Move step {n} down',
  'funnel.remove': 'Remove step {n}',
  'funnel.add': 'Add a step',
  'funnel.order': 'Between two steps',
  'funnel.order.loose': 'anything may happen',
  'funnel.order.strict': 'no other page, no other event',
  'funnel.by': 'Split by',
  'funnel.by.none': 'nothing',
  'funnel.show': 'Show',
  'funnel.visits': 'Visits',
  'funnel.rate': 'Of the first',
  'funnel.lost': 'Lost here',
  'funnel.all': { one: 'Of {n} visit', other: 'Of {n} visits' },
  'funnel.none': 'No visit took the first step.',
  'funnel.cleared':
    'Visits are counted from {day} on: for earlier days it is no longer known which pages belong together.',
  'funnel.saved': 'Kept funnels',
  'funnel.pick': 'Choose one',
  'funnel.suggested': 'Seen often',
  'funnel.name': 'Name',
  'funnel.save': 'Keep it for the site',
  'funnel.kept': 'Kept as “{name}”.',
  'funnel.forget': 'Remove “{name}”',
  'funnel.forgotten': '“{name}” is removed.',
  'funnel.notHere': '{name} (too particular to be shown here)',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
