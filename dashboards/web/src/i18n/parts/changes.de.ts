/** German texts of what is behind a change. */
import type { PartTexts } from '../part.ts';
import type { Key } from './changes.en.ts';

export const de: PartTexts<Key> = {
  'why.title': 'Was steckt hinter der Änderung bei {metric}?',
  'why.total': 'jetzt {now}, davor {before}',
  'why.what': 'Was',
  'why.now': 'Jetzt',
  'why.before': 'Davor',
  'why.difference': 'Unterschied',
  'why.none': 'Nichts sticht heraus.',
  'why.overlap': 'Zeilen verschiedener Art überschneiden sich: Derselbe Besuch kann in mehreren stehen.',
  'why.close': 'Schließen',
};
