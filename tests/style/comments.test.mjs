import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COLUMNS_MAX, wideComments } from './comments.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A line of `start` and words with the given number of columns. */
const wide = (start, columns) => `${start} word`.padEnd(columns, ' word');

test('a comment at the limit passes and one column more does not', () => {
  const text = [wide('//', COLUMNS_MAX), wide('//', COLUMNS_MAX + 1), 'let a;'].join('\n');
  assert.deepEqual(wideComments(text), [{ line: 2, columns: COLUMNS_MAX + 1 }]);
});

test('every kind of comment is checked', () => {
  for (const start of ['//', '    ///', '//!', '/**', ' *', '/*']) {
    assert.deepEqual(wideComments(wide(start, 120)), [{ line: 1, columns: 120 }], start);
  }
});

test('code, text and lines that cannot be wrapped are ignored', () => {
  for (const start of ['let a = 1; //', '*pointer =', '"// not a comment', '// biome-ignore lint/x:', '/// | a |']) {
    assert.deepEqual(wideComments(wide(start, 120)), [], start);
  }
  assert.deepEqual(wideComments(`// ${'x'.repeat(120)}`), []);
});

test('a fenced block keeps its shape, up to the end of the comment', () => {
  const line = wide('//!', 120);
  assert.deepEqual(wideComments(['//! ```text', line, '//! ```', line].join('\n')), [{ line: 4, columns: 120 }]);
  assert.deepEqual(wideComments(['//! ```text', line, 'use a;', line].join('\n')), [{ line: 4, columns: 120 }]);
});

test('columns are characters, not bytes', () => {
  assert.deepEqual(wideComments(`// ${'あ '.repeat(48)}`), []);
});

test('no comment of this repository is too wide', async () => {
  const listed = execFileSync('git', ['ls-files', '*.rs', '*.ts', '*.tsx', '*.mjs'], { cwd: root, encoding: 'utf8' });
  const files = listed.split('\n').filter(Boolean);
  assert(files.length > 100, 'the list of files is not empty');
  const found = [];
  for (const file of files) {
    // A file that is deleted or moved but not committed yet is still listed.
    const text = await readFile(`${root}/${file}`, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    for (const { line, columns } of wideComments(text)) found.push(`${file}:${line}: ${columns} columns`);
  }
  assert.deepEqual(found, [], `comments wider than ${COLUMNS_MAX} columns`);
});
