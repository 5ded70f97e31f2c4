/// <reference types="vite/client" />
import { describe, expect, it } from 'vitest';
import { CELLS_MAX } from './cells';

describe('limits shared with the collector', () => {
  const sources = import.meta.glob<string>('../../../crates/privacy/src/**/*.rs', {
    query: '?raw',
    import: 'default',
    eager: true,
  });

  it('an engagement carries as many click cells as are stored', () => {
    const definitions = Object.values(sources).flatMap((source) => [
      ...source.matchAll(/\bconst CLICKS_MAX: usize = (\d+);/g),
    ]);
    expect(definitions.map(([, value]) => Number(value))).toEqual([CELLS_MAX]);
  });
});
