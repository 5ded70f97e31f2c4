import { defineConfig } from 'vitest/config';
import { TableReporter } from './browser/harness/table.ts';

export default defineConfig({
  test: {
    include: ['browser/**/*.test.ts'],
    environment: 'node',
    reporters: process.env.UPDATE_TABLE ? ['default', new TableReporter()] : ['default'],
    globalSetup: ['browser/harness/setup.ts'],
    // Each file has its own browser and server. Tests of one file run one after another, because
    // they share the focus. Tests mostly wait, so more files run at once than the machine has
    // cores.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 40_000,
  },
});
