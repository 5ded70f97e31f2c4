/** A goal as the API has it and as the form holds it. Pure; the server checks the rules. */

import type { Key } from '../i18n/parts/manage.en.ts';
import type { TranslateOf } from '../i18n/translate.ts';

export const GOAL_KINDS = ['page', 'event', 'scroll', 'engagement'] as const;
export type GoalKind = (typeof GOAL_KINDS)[number];

export type Achievement =
  | { kind: 'page'; pattern: string }
  | { kind: 'event'; name: string; props?: Record<string, string[]> }
  | { kind: 'scroll'; pattern: string; percent: number }
  | { kind: 'engagement'; pattern: string; seconds: number };
export type Goal = { name: string; achieved_by: Achievement; currency?: string };

/** All fields of the form. The kind decides which of them are used. */
export type Draft = {
  name: string;
  kind: GoalKind;
  pattern: string;
  event: string;
  props: string;
  currency: string;
  percent: string;
  seconds: string;
};

export const EMPTY: Draft = {
  name: '',
  kind: 'page',
  pattern: '',
  event: '',
  props: '',
  currency: '',
  percent: '75',
  seconds: '60',
};

export function draftOf({ name, achieved_by: by, currency }: Goal): Draft {
  const draft: Draft = { ...EMPTY, name, kind: by.kind, currency: currency ?? '' };
  switch (by.kind) {
    case 'event': {
      const lines = Object.entries(by.props ?? {}).map(([key, values]) => `${key} = ${values.join(', ')}`);
      return { ...draft, event: by.name, props: lines.join('\n') };
    }
    case 'page':
      return { ...draft, pattern: by.pattern };
    case 'scroll':
      return { ...draft, pattern: by.pattern, percent: String(by.percent) };
    case 'engagement':
      return { ...draft, pattern: by.pattern, seconds: String(by.seconds) };
  }
}

/** Properties as typed, one per line: `plan = pro, team`. Lines without a value are ignored. */
export function readProps(text: string): Record<string, string[]> {
  const pairs = text.split('\n').flatMap((line): [string, string[]][] => {
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(0, at)).trim();
    const values = line
      .slice(at + 1)
      .split(',')
      .map((value) => value.trim())
      .filter((value) => value !== '');
    return at > 0 && key !== '' && values.length > 0 ? [[key, values]] : [];
  });
  return Object.fromEntries(pairs);
}

export function goalFrom(draft: Draft): Goal {
  const name = draft.name.trim();
  const pattern = draft.pattern.trim();
  switch (draft.kind) {
    case 'page':
      return { name, achieved_by: { kind: 'page', pattern } };
    case 'scroll':
      return { name, achieved_by: { kind: 'scroll', pattern, percent: Number(draft.percent) } };
    case 'engagement':
      return { name, achieved_by: { kind: 'engagement', pattern, seconds: Number(draft.seconds) } };
    case 'event': {
      const currency = draft.currency.trim().toUpperCase();
      const by: Achievement = { kind: 'event', name: draft.event.trim(), props: readProps(draft.props) };
      return { name, achieved_by: by, ...(currency ? { currency } : {}) };
    }
  }
}

export function describeGoal({ achieved_by: by, currency }: Goal, w: TranslateOf<Key>): string {
  switch (by.kind) {
    case 'page':
      return w('goal.describe.page', { pattern: by.pattern });
    case 'scroll':
      return w('goal.describe.scroll', { pattern: by.pattern, percent: by.percent });
    case 'engagement':
      return w('goal.describe.engagement', { pattern: by.pattern, seconds: by.seconds });
    case 'event': {
      const props = Object.entries(by.props ?? {}).map(([key, values]) => `${key} = ${values.join(', ')}`);
      const text = w('goal.describe.event', { name: by.name });
      return [text, ...props, ...(currency ? [currency] : [])].join('; ');
    }
  }
}
