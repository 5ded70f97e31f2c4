import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { expect, it } from 'vitest';

/** The rooms of `src`, from the ground up: a file imports from its own room and those before it. */
const ROOMS = [
  'api',
  'state',
  'query',
  'i18n',
  'format',
  'viewmodels',
  'store.ts',
  'polling.ts',
  'ui',
  'chart',
  'filters',
  'lists',
  'panels',
  'changes',
  'clicks',
  'funnels',
  'manage',
  'app',
  'main.tsx',
];

/** The files that each file imports. */
type Imports = ReadonlyMap<string, readonly string[]>;

const roomOf = (file: string): string => file.split('/')[0] ?? file;

function upwardImports(imports: Imports, rooms: readonly string[]): string[] {
  const level = (file: string) => rooms.indexOf(roomOf(file));
  return [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => level(target) > level(file))
      .map((target) => `${file} imports ${target}, which is in a higher room`),
  );
}

/** One circle of files per group of files that import each other, as `a -> b -> a`. */
function circles(imports: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(' -> '));
    if (at >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

/** Relative imports of a TypeScript file: static, dynamic and of types only. */
function importsOf(file: string, text: string): string[] {
  const paths = text.matchAll(/^(?:import|export|\})[^'\n]*'(\.[^']+\.tsx?)'|import\('(\.[^']+\.tsx?)'\)/gm);
  return [...paths].map(([, fixed, dynamic]) => join(dirname(file), fixed ?? dynamic ?? ''));
}

function readImports(): Imports {
  const root = new URL('./', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => /\.tsx?$/.test(name) && !/\.(test|d)\.ts$/.test(name));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(new URL(file, root), 'utf8'))]));
}

it('every file is in a room, and every import is found', () => {
  const imports = readImports();
  const files = [...imports.keys()];
  expect(files.filter((file) => !ROOMS.includes(roomOf(file)))).toEqual([]);
  expect([...imports.values()].flat().filter((target) => !imports.has(target))).toEqual([]);
  expect(imports.get('main.tsx')).toContain('app/App.tsx');
  expect(imports.get('app/App.tsx')).toContain('manage/Manage.tsx');
});

it('no file imports from a higher room', () => {
  expect(upwardImports(readImports(), ROOMS)).toEqual([]);
});

it('no files import each other in a circle', () => {
  expect(circles(readImports())).toEqual([]);
});

it('an upward import is found', () => {
  const imports = new Map([
    ['low/a.ts', ['low/b.ts', 'high/c.ts']],
    ['high/c.ts', ['low/a.ts']],
  ]);
  expect(upwardImports(imports, ['low', 'high'])).toEqual([
    'low/a.ts imports high/c.ts, which is in a higher room',
  ]);
});

it('a circle is found, also behind other files', () => {
  const imports = new Map([
    ['a.ts', ['b.ts']],
    ['b.ts', ['c.ts', 'd.ts']],
    ['c.ts', []],
    ['d.ts', ['e.ts']],
    ['e.ts', ['b.ts']],
  ]);
  expect(circles(imports)).toEqual(['b.ts -> d.ts -> e.ts -> b.ts']);
  expect(circles(new Map([['a.ts', ['b.ts']]]))).toEqual([]);
});

it('all forms of import are read', () => {
  const text = [
    "import { a } from './a.ts';",
    'import {',
    '  b,',
    "} from '../other/b.tsx';",
    "import type { C } from './c.ts';",
    "export { d } from './d.ts';",
    "import './style.css';",
    "const load = async () => (await import('./e.tsx')).E;",
    "import { render } from 'preact';",
  ];
  expect(importsOf('room/file.ts', text.join('\n'))).toEqual([
    'room/a.ts',
    'other/b.tsx',
    'room/c.ts',
    'room/d.ts',
    'room/e.tsx',
  ]);
});
