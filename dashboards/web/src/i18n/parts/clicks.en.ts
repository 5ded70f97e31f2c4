/** English texts of the click map. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'clicks.title': 'Clicks',
  'clicks.page': 'Page',
  'clicks.as': 'Shown as',
  'clicks.map': 'Map',
  'clicks.table': 'Table',
  'clicks.sum': { one: '{n} click', other: '{n} clicks' },
  'clicks.row': 'Row',
  'clicks.across': 'From the left',
  'clicks.clicks': 'Clicks',
  'clicks.stretch': '{from}–{to} %',
  'clicks.alt':
    'Where {page} was clicked; the same as a table under “Table”. The darker a square, the more clicks.',
  'clicks.top': 'Numbers mark the busiest squares. A square is a twentieth of the page wide.',
  'clicks.below': { one: '{n} click lies further down.', other: '{n} clicks lie further down.' },
  'clicks.none':
    'No clicks are counted on this page. The snippet counts them with the attribute data-clicks, of visitors who consented.',
  'clicks.noPages': 'No page was seen in these days.',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
