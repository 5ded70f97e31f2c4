/** German texts of the saved filters. */
import type { PartTexts } from '../part.ts';
import type { Key } from './filters.en.ts';

export const de: PartTexts<Key> = {
  'saved.site': 'Der Website',
  'saved.own': 'Eigene',
  'saved.here': 'Nur in diesem Browser',
  'saved.save': 'Diese Filter speichern',
  'saved.name': 'Name',
  'saved.for': 'Für',
  'saved.forMe': 'mich allein',
  'saved.forSite': 'alle der Website',
  'saved.do': 'Übernehmen',
  'saved.forget': '{name} vergessen',
  'saved.none':
    'Noch ist nichts gespeichert. Filtern Sie zuerst die Zahlen, dann speichern Sie die Filter hier.',
  'saved.notHere': 'fragt nach mehr, als diese Seite zeigen kann',
};
