// Builds the tracker and starts the collector, once before all tests. `make` has built the tracker
// already and sets ASSETS_ARE_BUILT.

import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { startSillage } from './collector.ts';

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  if (!process.env.ASSETS_ARE_BUILT) execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
  const { ports, stop } = await startSillage();
  project.provide('ports', ports);
  return stop;
};
