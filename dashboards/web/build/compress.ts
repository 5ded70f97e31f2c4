/**
 * Writes a brotli-compressed copy beside every built file, and fails the build if the first view
 * exceeds its budget.
 *
 * The first view is index.html, its stylesheet, its script with all static imports, and the largest
 * catalogue of a language other than English (a reader loads one at most). Lazy chunks are listed
 * but not counted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Plugin, Rollup } from 'vite';

export type FileSize = { name: string; raw: number; brotli: number; isFirstView: boolean };

/** Brotli at its highest quality, as the collector serves it. */
export function brotli(bytes: Uint8Array): Uint8Array {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

/** The files of `bundle` that the browser needs for the first view. */
export function firstViewNames(bundle: Rollup.OutputBundle): Set<string> {
  const names = new Set<string>(['index.html']);
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
  const walk = (name: string): void => {
    const file = bundle[name];
    if (names.has(name) || file?.type !== 'chunk') return;
    names.add(name);
    for (const css of file.viteMetadata?.importedCss ?? []) names.add(css);
    file.imports.forEach(walk);
  };
  for (const chunk of chunks) if (chunk.isEntry) walk(chunk.fileName);
  return names;
}

/** The catalogues of the other languages, of which a reader loads one at most. */
function lazyCatalogues(bundle: Rollup.OutputBundle): Set<string> {
  const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
  return new Set(
    chunks
      .filter((chunk) => chunk.facadeModuleId?.includes('/i18n/catalogue.'))
      .map((chunk) => chunk.fileName),
  );
}

export function compressAndGate({ firstViewBytesMax }: { firstViewBytesMax: number }): Plugin {
  return {
    name: 'sillage-compress-and-gate',
    apply: 'build',
    writeBundle(options, bundle) {
      const dir = options.dir ?? 'dist';
      const first = firstViewNames(bundle);
      const catalogues = lazyCatalogues(bundle);
      const sizes: FileSize[] = Object.keys(bundle).map((name) => {
        const bytes = readFileSync(join(dir, name));
        const small = brotli(bytes);
        writeFileSync(join(dir, `${name}.br`), small);
        return { name, raw: bytes.length, brotli: small.length, isFirstView: first.has(name) };
      });
      const heaviest = sizes
        .filter((size) => catalogues.has(size.name))
        .sort((a, b) => b.brotli - a.brotli)[0];
      if (heaviest) heaviest.isFirstView = true;
      sizes.sort((a, b) => Number(b.isFirstView) - Number(a.isFirstView) || b.brotli - a.brotli);
      for (const size of sizes) {
        const mark = size.isFirstView ? 'first view' : 'lazy      ';
        console.log(
          `  ${mark} ${String(size.brotli).padStart(7)} B br ${String(size.raw).padStart(8)} B  ${size.name}`,
        );
      }
      const total = sizes.filter((size) => size.isFirstView).reduce((sum, size) => sum + size.brotli, 0);
      console.log(`  first view in all: ${total} B brotli (at most ${firstViewBytesMax})`);
      if (total > firstViewBytesMax) {
        this.error(`first view is ${total} B brotli, ${total - firstViewBytesMax} B over its budget`);
      }
    },
  };
}
