import { expect, it } from 'vitest';
import { en } from '../i18n/parts/manage.en.ts';
import { createTranslate } from '../i18n/translate.ts';
import { describeGoal, draftOf, EMPTY, type Goal, goalFrom, readProps } from './goal.ts';

const GOALS: Goal[] = [
  { name: 'Thanks', achieved_by: { kind: 'page', pattern: '/thanks/**' } },
  {
    name: 'Order',
    achieved_by: { kind: 'event', name: 'Order', props: { plan: ['pro', 'team'] } },
    currency: 'EUR',
  },
  { name: 'Read', achieved_by: { kind: 'scroll', pattern: '/blog/*', percent: 80 } },
  { name: 'Stayed', achieved_by: { kind: 'engagement', pattern: '**', seconds: 30 } },
];

it('a goal passes through the form unchanged', () => {
  for (const goal of GOALS) expect(goalFrom(draftOf(goal))).toEqual(goal);
});

it('fields of another kind are left out', () => {
  const draft = { ...EMPTY, name: ' Thanks ', pattern: ' /thanks ', event: 'x', currency: 'eur' };
  expect(goalFrom(draft)).toEqual({ name: 'Thanks', achieved_by: { kind: 'page', pattern: '/thanks' } });
  expect(goalFrom({ ...draft, kind: 'event' }).currency).toBe('EUR');
});

it('properties are read per line; incomplete lines are ignored', () => {
  expect(readProps('plan = pro, team\n\ncolour=red\nsize\n= x\nempty =')).toEqual({
    plan: ['pro', 'team'],
    colour: ['red'],
  });
});

it('a goal is described by its condition', () => {
  const w = createTranslate(en, 'en');
  expect(GOALS.map((goal) => describeGoal(goal, w))).toEqual([
    'page /thanks/**',
    'event Order; plan = pro, team; EUR',
    '80 % of /blog/*',
    '30 s on **',
  ]);
});
