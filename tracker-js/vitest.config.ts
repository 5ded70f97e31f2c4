import { defineConfig } from 'vitest/config';

export default defineConfig({
  // A test compares limits with the collector's sources.
  server: { fs: { allow: ['..'] } },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'happy-dom',
    environmentOptions: {
      happyDOM: {
        url: 'https://example.com/start',
        settings: { navigation: { disableMainFrameNavigation: true, disableFallbackToSetURL: true } },
      },
    },
    restoreMocks: true,
    unstubGlobals: true,
  },
});
