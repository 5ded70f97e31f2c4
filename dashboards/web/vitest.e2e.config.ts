import { defineConfig } from 'vitest/config';

/** Tests `dist/`, served by the mock collector, in the installed Chromium. */
export default defineConfig({
  test: {
    include: ['test/**/*.e2e.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
