import { defineConfig } from 'vitest/config';

/** Runs against `dist/`, served by the mock collector, in the Chromium of this machine. */
export default defineConfig({
  test: {
    include: ['test/**/*.e2e.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
