/** English texts of the saved filters. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'saved.site': 'Of the site',
  'saved.own': 'Your own',
  'saved.here': 'In this browser only',
  'saved.save': 'Save these filters',
  'saved.name': 'Name',
  'saved.for': 'For',
  'saved.forMe': 'me alone',
  'saved.forSite': 'everybody of the site',
  'saved.do': 'Apply',
  'saved.forget': 'Forget {name}',
  'saved.none': 'Nothing is saved yet. Filter the numbers first, then save the filters here.',
  'saved.notHere': 'asks for more than this page can show',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
