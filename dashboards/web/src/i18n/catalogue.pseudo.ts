/** The catalogue in pseudo-translation. */
import { type Catalogue, en, type Key } from './catalogue.en.ts';
import { pseudoMessage } from './pseudo.ts';

export const pseudo = Object.fromEntries(
  (Object.keys(en) as Key[]).map((key) => [key, pseudoMessage(en[key])]),
) as Catalogue;
