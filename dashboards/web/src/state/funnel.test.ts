import { describe, expect, it } from 'vitest';
import { parseAddress, writeAddress } from './address.ts';
import { type Funnel, fromWireFunnel, parseFunnel, toWireFunnel, writeFunnel } from './funnel.ts';

const FUNNEL: Funnel = {
  order: 'strict',
  by: 'source',
  steps: [
    { kind: 'page', value: '/a~b%7E' },
    { kind: 'name', value: 'Sign up' },
    { kind: 'goal', value: 'Order' },
  ],
};

describe('a funnel in the address', () => {
  it('is read back unchanged', () => {
    expect(parseFunnel(writeFunnel(FUNNEL))).toEqual(FUNNEL);
    expect(parseFunnel(writeFunnel({ ...FUNNEL, by: null }))).toEqual({ ...FUNNEL, by: null });
    const { view } = parseAddress(`?funnel=${encodeURIComponent(writeFunnel(FUNNEL))}&clicks=/a`);
    expect(view.funnel).toEqual(FUNNEL);
    expect(parseAddress(writeAddress(view)).view).toEqual(view);
  });

  it('that is not valid is ignored and named', () => {
    const steps = Array.from({ length: 9 }, (_, i) => `page~/${i}`).join('~');
    for (const text of [
      '',
      'loose',
      'loose~~page~/a',
      'any~~page~/a~page~/b',
      'loose~page~page~/a~page~/b',
      'loose~~title~/a~page~/b',
      'loose~~page~~page~/b',
      `loose~~${steps}`,
    ]) {
      expect(parseFunnel(text), text).toBe(null);
    }
    expect(parseAddress('?funnel=loose').ignored).toEqual(['funnel']);
  });
});

describe('a funnel on the wire', () => {
  it('has one condition per step', () => {
    expect(toWireFunnel(FUNNEL).steps[1]).toEqual({
      name: 'Sign up',
      filters: [['is', 'event:name', ['Sign up']]],
    });
    expect(fromWireFunnel(toWireFunnel(FUNNEL))).toEqual({ ...FUNNEL, by: null });
  });

  it('that the form cannot show exactly is not shown', () => {
    const two = { order: 'loose' as const, steps: [{ filters: [['is', 'event:page', ['/a', '/b']]] }] };
    expect(fromWireFunnel(two)).toBe(null);
    const other = { order: 'loose' as const, steps: [{ filters: [['contains', 'event:page', ['/a']]] }] };
    expect(fromWireFunnel(other)).toBe(null);
  });
});
