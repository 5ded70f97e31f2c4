/** German texts of the saved filters. */
import type { PartTexts } from '../part.ts';
import type { Key } from './filters.en.ts';

export const de: PartTexts<Key> = {
  'saved.site': 'Für alle auf dieser Website',
  'saved.own': 'Nur für Sie',
  'saved.here': 'Nur in diesem Browser',
  'saved.save': 'Aktuelle Filter speichern',
  'saved.name': 'Name',
  'saved.for': 'Sichtbar für',
  'saved.forMe': 'nur mich',
  'saved.forSite': 'alle auf dieser Website',
  'saved.submit': 'Speichern',
  'saved.remove': '{name} entfernen',
  'saved.none':
    'Noch sind keine Filter gespeichert. Setzen Sie zuerst Filter und speichern Sie sie dann hier.',
  'saved.notHere': 'enthält Bedingungen, die hier nicht angezeigt werden können',
};
