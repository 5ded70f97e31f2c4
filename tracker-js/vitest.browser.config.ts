import { defineConfig } from 'vitest/config';
import { TableReporter } from './browser/harness/table.ts';

export default defineConfig({
  test: {
    include: ['browser/**/*.test.ts'],
    environment: 'node',
    reporters: process.env.UPDATE_TABLE ? ['default', new TableReporter()] : ['default'],
    globalSetup: ['browser/harness/setup.ts'],
    // Each file has its own browser and server. Tests of one file run one after the other, because
    // they share the focus. Most of a test is waiting, so more files run at once than there are
    // cores.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 40_000,
  },
});
