import { describe, expect, it } from 'vitest';
import { readOptions } from './config';

describe('settings', () => {
  it('come from attributes', () => expect(readOptions({ site: 'a.example' }, undefined)('site')).toBe('a.example'));
  it('come from the global object', () =>
    expect(readOptions(undefined, { site: 'a.example' })('site')).toBe('a.example'));
  it('come from both, and the attribute wins', () => {
    const option = readOptions({ site: 'a.example' }, { site: 'b.example', policy: '2' });
    expect([option('site'), option('policy')]).toEqual(['a.example', '2']);
  });
  it.each([
    ['', true],
    ['true', 'true'],
    ['false', false],
  ])('an attribute %j reads as %j', (value, expected) =>
    expect(readOptions({ hash: value }, undefined)('hash')).toBe(expected),
  );
  it('an absent setting is undefined', () => expect(readOptions({}, {})('hash')).toBeUndefined());
});
