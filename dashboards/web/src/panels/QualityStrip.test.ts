import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OUTCOMES } from './QualityStrip.tsx';

const ROOT = new URL('../../../../', import.meta.url);

it('every outcome of the collector has a text', () => {
  const sources = ['src/', 'crates/'].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.rs'))
      .map((name) => readFileSync(new URL(folder + name, ROOT), 'utf8')),
  );
  const [, list = ''] = sources.map((text) => /^outcomes! \{([^}]*)\}/m.exec(text)).find(Boolean) ?? [];
  const names = [...list.matchAll(/= "(\w+)"/g)].map(([, name]) => name);
  expect(names).toContain('accepted');
  expect([...OUTCOMES, 'accepted'].sort()).toEqual(names.sort());
});
