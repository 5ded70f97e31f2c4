/** English texts of the funnel. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'funnel.title': 'Funnel',
  'funnel.hint': 'How many visits reached each step. Choose two to eight steps.',
  'funnel.step': 'Step {n}',
  'funnel.kind': 'Step {n}: type',
  'funnel.value': 'Step {n}: value',
  'funnel.kind.page': 'Page',
  'funnel.kind.name': 'Event',
  'funnel.kind.goal': 'Goal',
  'funnel.up': 'Move step {n} up',
  'funnel.down': 'Move step {n} down',
  'funnel.remove': 'Remove step {n}',
  'funnel.add': 'Add a step',
  'funnel.order': 'Between steps',
  'funnel.order.loose': 'anything',
  'funnel.order.strict': 'no other page or event',
  'funnel.by': 'Split by',
  'funnel.by.none': 'nothing',
  'funnel.show': 'Show',
  'funnel.visits': 'Visits',
  'funnel.rate': 'Of first step',
  'funnel.lost': 'Drop-off',
  'funnel.all': { one: 'Out of {n} visit', other: 'Out of {n} visits' },
  'funnel.none': 'No visit reached the first step.',
  'funnel.cleared':
    'Visits are counted from {day} on: for earlier days, page views can no longer be assigned to visits.',
  'funnel.saved': 'Saved funnels',
  'funnel.pick': 'Choose a funnel',
  'funnel.suggested': 'Common paths',
  'funnel.name': 'Name',
  'funnel.save': 'Save for this site',
  'funnel.savedAs': 'Saved as “{name}”.',
  'funnel.removeSaved': 'Remove “{name}”',
  'funnel.removed': '“{name}” is removed.',
  'funnel.notHere': '{name} (cannot be shown here)',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
