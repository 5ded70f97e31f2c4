import { defineConfig } from 'vitest/config';
import { TableReporter } from './browser/harness/table.ts';

export default defineConfig({
  test: {
    include: ['browser/**/*.test.ts'],
    environment: 'node',
    reporters: process.env.UPDATE_TABLE ? ['default', new TableReporter()] : ['default'],
    globalSetup: ['browser/harness/setup.ts'],
    // Each file has a browser and a server of its own; within a file tests follow one another,
    // because focus is shared.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 40_000,
  },
});
