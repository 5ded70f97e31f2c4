// Starts the real collector with its embedded engine for tests in JavaScript, on free ports, with
// configuration and data in a temporary folder. SILLAGE_BIN replaces the debug build with another
// binary.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = process.env.SILLAGE_BIN ?? join(root, 'target/debug/sillage');

/** Runs a command of the binary to its end. */
export function run(args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(binary, ['--log-level', 'warn', ...args], { cwd: root }, (error, out, err) => {
      resolve({ code: error ? error.code : 0, out, err });
    });
    // A command that reads no input may have ended already, which breaks the pipe.
    child.stdin.end(input || undefined);
  });
}

/**
 * Runs SQL in the database `sillage` at `url`, which contains the password. Returns the text of the
 * answer.
 */
export async function sql(url, query, parameters = {}) {
  const { origin, password } = new URL(url);
  const search = new URLSearchParams({ database: 'sillage' });
  for (const [name, value] of Object.entries(parameters)) search.set(`param_${name}`, value);
  const headers = { 'X-ClickHouse-Key': password };
  const answer = await fetch(`${origin}/?${search}`, { method: 'POST', headers, body: query });
  const text = (await answer.text()).trimEnd();
  if (!answer.ok) throw new Error(text);
  return text;
}

/**
 * Starts `sillage serve` and waits until it is ready. `prepare` runs before the start, for commands
 * that fill the spool.
 */
export async function launch({ keys = '', tables = '', flags = [], logLevel = 'warn', prepare }) {
  if (!existsSync(binary)) {
    throw new Error(`${binary} is missing; run \`cargo build\` first, or name it with SILLAGE_BIN`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'sillage-test-'));
  const config = join(folder, 'sillage.toml');
  await writeFile(config, `listen = "127.0.0.1:0"\n${keys}\n[engine]\nlisten = "127.0.0.1:0"\n${tables}`);
  await prepare?.(config);
  const child = spawn(binary, ['--log-level', logLevel, 'serve', ...flags, '--config', config], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await ended;
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  // When ready it prints one address per line. The address of ClickHouse is the last.
  const addresses = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, url] = /^ {2}(\w+).*?(http:\/\/\S+?)\/?$/.exec(line) ?? [];
    if (name) addresses[name] = url;
    if (name === 'ClickHouse') break;
  }
  if (!addresses.ClickHouse) {
    await stop();
    throw new Error('the collector ended before it was ready');
  }
  return { binary, config, addresses, stop };
}
