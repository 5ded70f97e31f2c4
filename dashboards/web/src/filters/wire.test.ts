import { expect, it } from 'vitest';
import { type Filter, toWire } from '../state/filter.ts';
import { fromWire } from './wire.ts';

it('filters saved by this page are read back unchanged', () => {
  const filters: Filter[] = [
    { dimension: 'source', op: 'is', values: ['Google', 'a~b'] },
    { dimension: 'page', op: 'contains_not', values: ['/Blog'] },
  ];
  expect(fromWire(filters.map(toWire))).toEqual(filters);
});

it('filters that chips cannot show exactly are not shown', () => {
  for (const filters of [
    [],
    ['is'],
    [['matches', 'event:page', ['^/a']]],
    [['and', [['is', 'event:page', ['/a']]]]],
    [['is', 'event:policy', ['1']]],
    [['is_not', 'event:goal', ['Order']]],
    [['is', 'visit:country', ['JP'], { case_sensitive: false }]],
    [
      ['is', 'visit:country', ['JP']],
      ['has_done', ['is', 'event:page', ['/a']]],
    ],
  ]) {
    expect(fromWire(filters), JSON.stringify(filters)).toBe(null);
  }
});
