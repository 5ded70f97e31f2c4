/** English texts of the click map. */
import type { Message } from '../catalogue.en.ts';

export const en = {
  'clicks.title': 'Clicks',
  'clicks.page': 'Page',
  'clicks.as': 'Show as',
  'clicks.map': 'Map',
  'clicks.table': 'Table',
  'clicks.sum': { one: '{n} click', other: '{n} clicks' },
  'clicks.row': 'Row',
  'clicks.across': 'From the left',
  'clicks.clicks': 'Clicks',
  'clicks.stretch': '{from}–{to} %',
  'clicks.alt':
    'Where visitors clicked on {page}. Darker squares have more clicks. “Table” shows the same data.',
  'clicks.top':
    'The numbers rank the squares with the most clicks. A square is one twentieth of the page width.',
  'clicks.below': {
    one: '{n} click is further down the page.',
    other: '{n} clicks are further down the page.',
  },
  'clicks.none':
    'No clicks were recorded on this page. To record the clicks of visitors who consented, add the attribute data-clicks to the snippet.',
  'clicks.noPages': 'No pages were viewed in this period.',
} satisfies Record<string, Message>;

export type Key = keyof typeof en;
