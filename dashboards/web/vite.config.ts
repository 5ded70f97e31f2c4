import { defineConfig } from 'vite';
import { compressAndGate } from './build/compress.ts';
import { world } from './build/world.ts';

export default defineConfig({
  // The collector serves the page at `/` and its files under `/assets/`.
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // No inlining: the content security policy is `script-src 'self'`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [world(), compressAndGate({ firstViewBytesMax: 45_000 })],
  server: { proxy: { '/api': 'http://127.0.0.1:8010' } },
});
