/** German texts of the click map. */
import type { PartTexts } from '../part.ts';
import type { Key } from './clicks.en.ts';

export const de: PartTexts<Key> = {
  'clicks.title': 'Klicks',
  'clicks.page': 'Seite',
  'clicks.as': 'Gezeigt als',
  'clicks.map': 'Karte',
  'clicks.table': 'Tabelle',
  'clicks.sum': { one: '{n} Klick', other: '{n} Klicks' },
  'clicks.row': 'Zeile',
  'clicks.across': 'Von links',
  'clicks.clicks': 'Klicks',
  'clicks.stretch': '{from}–{to} %',
  'clicks.alt':
    'Wo auf {page} geklickt wurde; dasselbe steht als Tabelle unter „Tabelle“. Je dunkler ein Quadrat, desto mehr Klicks.',
  'clicks.top':
    'Zahlen kennzeichnen die meistgeklickten Quadrate. Ein Quadrat ist ein Zwanzigstel der Seite breit.',
  'clicks.below': { one: '{n} Klick liegt weiter unten.', other: '{n} Klicks liegen weiter unten.' },
  'clicks.none':
    'Auf dieser Seite sind keine Klicks gezählt. Das Snippet zählt sie mit dem Attribut data-clicks, bei Besuchern, die eingewilligt haben.',
  'clicks.noPages': 'In diesen Tagen wurde keine Seite gesehen.',
};
