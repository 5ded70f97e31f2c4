// `npm run mock -- [port] [--bare] [--upstream=http://127.0.0.1:8000]` serves the built page over
// made-up numbers, without the newer metrics (`--bare`), or over a real collector (`--upstream`).
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('./server.ts', import.meta.url).pathname);
const option = (name) => process.argv.find((arg) => arg.startsWith(`--${name}`));
const port = Number(process.argv.find((arg) => /^\d+$/.test(arg)) ?? 8010);
const can = option('bare') ? { hasEngagement: false, hasReturning: false } : undefined;
const upstream = option('upstream=')?.slice('--upstream='.length);
const mock = await module.startMock({ port, can, upstream });
console.log(`mock collector on ${mock.url}`);
