/// <reference types="vite/client" />
import { describe, expect, it } from 'vitest';
import { findCircles, findUpwardImports, readImports } from './testing/imports';

/** Files and folders from the ground up. */
const ROOMS = [
  'guard',
  'types',
  'config',
  'payload',
  'browser',
  'engagement',
  'navigation',
  'clicks',
  'send',
  'tracker',
  'index',
  'module',
  'consent/choice',
  'consent/',
  'entries/',
  'extra/',
];

describe('the order of the modules', () => {
  const sources = import.meta.glob<string>(['./**/*.ts', '!./**/*.test.ts', '!./**/*.d.ts', '!./testing/**'], {
    query: '?raw',
    import: 'default',
    eager: true,
  });
  const imports = readImports(sources);

  it('has imports', () => expect(imports.tracker).toContain('send'));
  it('has no circle', () => expect(findCircles(imports)).toEqual([]));
  it('has no import from a higher room', () => expect(findUpwardImports(imports, ROOMS)).toEqual([]));
});

describe('the check of the order', () => {
  it('reads imports and re-exports, also of types, and skips packages', () => {
    const source = [
      "import { a } from './a';",
      "import {\n  b,\n  type B,\n} from '../b';",
      "import type { C } from './c.ts';",
      "export { d } from './deep/d';",
      "import { onCLS } from 'web-vitals';",
      "// import { e } from './e';",
    ].join('\n');
    expect(readImports({ './room/file.ts': source })).toEqual({
      'room/file': ['room/a', 'b', 'room/c', 'room/deep/d'],
    });
  });

  it('names each circle once, wherever the search enters it', () => {
    const imports = { a: ['b'], b: ['c', 'd'], c: ['b'], d: [], e: ['e'], f: ['a', 'c'] };
    expect(findCircles(imports)).toEqual(['b -> c -> b', 'e -> e']);
  });

  it('names imports from higher rooms and files without a room', () => {
    const imports = { low: ['high/a'], 'high/a': ['low', 'high/b'], 'high/b': [], lost: ['low'] };
    expect(findUpwardImports(imports, ['low', 'high/'])).toEqual([
      'low imports high/a, which is in a higher room',
      'lost has no room',
    ]);
  });
});
