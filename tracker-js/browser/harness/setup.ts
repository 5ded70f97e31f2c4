// Builds the tracker and starts the collector, once before all tests. `make` has built the tracker
// already and sets ASSETS_ARE_BUILT.

import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { startSillage } from './collector.ts';

export const setup = async (project: TestProject): Promise<() => Promise<unknown>> => {
  if (!process.env.ASSETS_ARE_BUILT) execFileSync(process.execPath, ['build.mjs'], { stdio: 'inherit' });
  const { running, stop } = await startSillage();
  project.provide('collector', running);
  return stop;
};
