// Builds what the tests run and starts the collector they ask, before any of them.

import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { startSillage } from './collector.ts';

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
  const { ports, stop } = await startSillage();
  project.provide('ports', ports);
  return stop;
};
