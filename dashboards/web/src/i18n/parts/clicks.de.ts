/** German texts of the click map. */
import type { PartTexts } from '../part.ts';
import type { Key } from './clicks.en.ts';

export const de: PartTexts<Key> = {
  'clicks.title': 'Klicks',
  'clicks.page': 'Seite',
  'clicks.as': 'Darstellung',
  'clicks.map': 'Karte',
  'clicks.table': 'Tabelle',
  'clicks.sum': { one: '{n} Klick', other: '{n} Klicks' },
  'clicks.row': 'Zeile',
  'clicks.across': 'Von links',
  'clicks.clicks': 'Klicks',
  'clicks.stretch': '{from}–{to} %',
  'clicks.alt':
    'Wo auf {page} geklickt wurde. Dunklere Quadrate haben mehr Klicks. „Tabelle“ zeigt dieselben Daten.',
  'clicks.top':
    'Die Zahlen geben die Rangfolge der meistgeklickten Quadrate an. Ein Quadrat ist ein Zwanzigstel der Seitenbreite.',
  'clicks.below': {
    one: '{n} Klick liegt weiter unten auf der Seite.',
    other: '{n} Klicks liegen weiter unten auf der Seite.',
  },
  'clicks.none':
    'Auf dieser Seite wurden keine Klicks erfasst. Um Klicks von Besuchern zu erfassen, die eingewilligt haben, ergänzen Sie im Snippet das Attribut data-clicks.',
  'clicks.noPages': 'In diesem Zeitraum wurden keine Seiten aufgerufen.',
};
