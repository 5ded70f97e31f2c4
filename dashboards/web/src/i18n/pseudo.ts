/**
 * Pseudo-translation: accented and a third longer, so that untranslated texts and tight boxes show.
 */
import type { Message } from './catalogue.en.ts';

const ACCENTS: Record<string, string> = {
  a: 'á',
  c: 'ç',
  e: 'é',
  g: 'ĝ',
  i: 'í',
  k: 'ķ',
  l: 'ļ',
  n: 'ñ',
  o: 'ö',
  r: 'ŕ',
  s: 'š',
  t: 'ţ',
  u: 'ü',
  y: 'ý',
  z: 'ž',
  A: 'Å',
  C: 'Ç',
  D: 'Ð',
  E: 'É',
  I: 'Î',
  N: 'Ñ',
  O: 'Ö',
  R: 'Ŕ',
  S: 'Š',
  T: 'Ţ',
  U: 'Û',
  V: 'Ṽ',
  W: 'Ŵ',
};

export function pseudoText(text: string): string {
  const accented = text.replace(/\{\w+\}|[a-zA-Z]/g, (part) =>
    part.length > 1 ? part : (ACCENTS[part] ?? part),
  );
  return `[${accented}${'·'.repeat(Math.ceil(text.length * 0.3))}]`;
}

export const pseudoMessage = (message: Message): Message =>
  typeof message === 'string'
    ? pseudoText(message)
    : Object.fromEntries(Object.entries(message).map(([form, text]) => [form, pseudoText(text)]));
