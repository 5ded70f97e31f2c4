// Builds the files that are served and published, prints their sizes, and fails if the core file
// exceeds its budget.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { minify } from 'terser';

/** Maximum size of the core file in bytes: raw, gzip -9, brotli -q 11. */
const BUDGET = { raw: 4000, gzip: 2000, brotli: 1800 };

/** Properties that never leave the bundle and may be renamed. */
const INTERNAL = /^(post|repost|takeBack|drop|tick|look)$/;

/** The encodings of a file, by the suffix of its name. */
const pack = (code) => ({
  '': Buffer.from(code),
  '.gz': gzipSync(code, { level: 9 }),
  '.br': brotliCompressSync(code, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(code) },
  }),
});

/** Bundles one entry into a script without global names. */
const bundle = async (entry) => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'iife',
    target: 'es2020',
    write: false,
    charset: 'utf8',
    legalComments: 'none',
    tsconfigRaw: { compilerOptions: { target: 'es2020', alwaysStrict: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  // `let` compresses better than a mixture with `const`, and terser joins neighbouring
  // declarations.
  const { code } = await minify(outputFiles[0].text.replace(/\bconst\b(?=[ {[])/g, 'let'), {
    ecma: 2020,
    compress: {
      passes: 5,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      keep_fargs: false,
      hoist_funs: true,
      // Inlining functions with arguments makes the core file ten bytes longer.
      inline: 1,
    },
    mangle: { toplevel: true, properties: { regex: INTERNAL, builtins: true } },
    format: { semicolons: true, comments: false },
  });
  return `${code.replace(/;$/, '')}\n`;
};

const ADAPTERS = ['tcf', 'gpp', 'consent-mode', 'cookiebot', 'onetrust', 'klaro', 'osano', 'wp-consent-api'];

const files = [
  ['src/index.ts', 's.js', BUDGET],
  ['src/extra/index.ts', 's.extra.js'],
  ...ADAPTERS.map((name) => [`src/entries/${name}.ts`, `consent/${name}.js`]),
];

await rm('dist', { recursive: true, force: true });
let isTooHeavy = false;
for (const [entry, name, budget] of files) {
  const code = await bundle(entry);
  const path = `dist/${name}`;
  await mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  const forms = pack(code);
  for (const [ending, bytes] of Object.entries(forms)) await writeFile(path + ending, bytes);
  const weight = { raw: forms[''].length, gzip: forms['.gz'].length, brotli: forms['.br'].length };
  const integrity = `sha384-${createHash('sha384').update(code).digest('base64')}`;
  console.log(`${path.padEnd(28)} raw ${weight.raw}  gzip ${weight.gzip}  brotli ${weight.brotli}  ${integrity}`);
  for (const [measure, limit] of Object.entries(budget ?? {})) {
    if (weight[measure] > limit) {
      console.error(`${path}: ${measure} ${weight[measure]} B is above the budget of ${limit} B`);
      isTooHeavy = true;
    }
  }
}
// The npm package: one ES module, readable for the site's bundler, and its types.
await build({
  entryPoints: ['src/module.ts'],
  bundle: true,
  format: 'esm',
  target: 'es2020',
  charset: 'utf8',
  outfile: 'dist/npm/module.js',
});
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.npm.json'], { stdio: 'inherit' });
for (const name of await readdir('dist/npm')) {
  if (!name.endsWith('.d.ts')) continue;
  const types = await readFile(`dist/npm/${name}`, 'utf8');
  // Node's module resolution needs the extension.
  await writeFile(`dist/npm/${name}`, types.replace(/(from ')(\.\/[\w-]+)(')/g, '$1$2.js$3'));
}

if (isTooHeavy) process.exitCode = 1;
