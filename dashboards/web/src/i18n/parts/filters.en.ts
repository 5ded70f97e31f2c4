/** English texts of the saved filters. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'saved.site': 'For everyone on this site',
  'saved.own': 'Only for you',
  'saved.here': 'In this browser only',
  'saved.save': 'Save the current filters',
  'saved.name': 'Name',
  'saved.for': 'Visible to',
  'saved.forMe': 'only me',
  'saved.forSite': 'everyone on this site',
  'saved.submit': 'Save',
  'saved.remove': 'Remove {name}',
  'saved.none': 'No filters are saved yet. Set filters first, then save them here.',
  'saved.notHere': 'contains conditions that cannot be shown here',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
