// Builds what the tests run, before any of them.

import { execFileSync } from 'node:child_process';

export const setup = (): void => {
  execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
};
