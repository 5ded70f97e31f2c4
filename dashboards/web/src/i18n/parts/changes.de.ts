/** German texts of what is behind a change. */
import type { PartTexts } from '../part.ts';
import type { Key } from './changes.en.ts';

export const de: PartTexts<Key> = {
  'why.title': 'Was steckt hinter der Änderung bei {metric}?',
  'why.total': 'jetzt {now}, zuvor {before}',
  'why.what': 'Eintrag',
  'why.now': 'Jetzt',
  'why.before': 'Zuvor',
  'why.difference': 'Änderung',
  'why.none': 'Nichts fällt auf.',
  'why.overlap': 'Zeilen verschiedener Art überschneiden sich: Derselbe Besuch kann in mehreren zählen.',
  'why.close': 'Schließen',
};
