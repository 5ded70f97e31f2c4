import { describe, expect, it } from 'vitest';
import { ALPHA2_BY_NUMERIC } from './iso3166.ts';
import { makeWorld, relative } from './world.ts';

describe('the map', () => {
  const world = makeWorld();
  const countries = new Set(world.shapes.map(([country]) => country));

  it('has every country, the small ones as dots', () => {
    for (const country of [
      'JP',
      'US',
      'DE',
      'YE',
      'ZW',
      'VN',
      'VU',
      'RS',
      'CW',
      'SG',
      'MT',
      'MC',
      'LI',
      'HK',
      'BH',
    ]) {
      expect(countries, country).toContain(country);
    }
    expect(countries.size).toBeGreaterThan(230);
    expect(world.shapes.find(([country]) => country === 'MC')?.[1]).toMatch(/a3 3 0 1 0/);
  });

  it('knows only codes in use, each once', () => {
    const codes = [...ALPHA2_BY_NUMERIC.values()];
    expect(new Set(codes).size).toBe(codes.length);
    // Withdrawn codes that locale data still names.
    for (const gone of ['DD', 'YD', 'AN', 'NH', 'CS', 'VD', 'RH', 'SU', 'ZR', 'TP', 'BU', 'FX']) {
      expect(codes, gone).not.toContain(gone);
    }
  });

  it('has whole-numbered paths inside its frame', () => {
    for (const [country, path] of world.shapes) {
      expect(path, country).toMatch(/^[MlazZ\d\s-]+$/);
      const start = /^M(-?\d+) (-?\d+)/.exec(path);
      expect(Number(start?.[1])).toBeGreaterThanOrEqual(-3);
      expect(Number(start?.[1])).toBeLessThanOrEqual(world.width);
    }
  });
});

it('empty steps and rings are removed from paths', () => {
  expect(relative('M0.2,0.1L10.4,0L10.3,0.2L10,10.6Z')).toBe('M0 0l10 0 0 11z');
  expect(relative('M5,5L5.1,5.2L5,5.3Z')).toBe('');
});
