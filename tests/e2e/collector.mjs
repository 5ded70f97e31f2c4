// Starts the real binary with the real engine on free ports in a temporary folder.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = process.env.SILLAGE_BIN ?? join(root, 'target/debug/sillage');

/** Runs the binary to its end: `{ code, out, err }`. */
function run(args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(binary, ['--log-level', 'warn', ...args], { cwd: root }, (error, out, err) => {
      resolve({ code: error ? error.code : 0, out, err });
    });
    // Nothing is written where there is nothing: a command that does not read may be gone already.
    child.stdin.end(input || undefined);
  });
}

/**
 * @param {string} site the `[[site]]` tables of the configuration @param {{ top?: string, days?:
 * number, logs?: Record<string, string>, people?: { name: string, password: string }[] }} more keys
 * above the tables; days of made-up traffic before today; by site, an access log of its past;
 * owners of all sites
 */
export async function startCollector(site, { top = '', days = 0, logs = {}, people = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'sillage-e2e-'));
  const config = join(folder, 'sillage.toml');
  await writeFile(config, `listen = "127.0.0.1:0"\n${top}\n[engine]\nlisten = "127.0.0.1:0"\n${site}`);
  const demo = async (...args) => {
    const made = await run(['demo', '--config', config, ...args]);
    if (made.code !== 0) throw new Error(made.err);
  };
  for (const { name, password } of people) {
    const added = await run(['user', '--config', config, 'add', name, '--site', '*', '--role', 'owner'], password);
    if (added.code !== 0) throw new Error(added.err);
  }
  if (days) await demo('--days', String(days));
  for (const [id, log] of Object.entries(logs)) {
    const file = join(folder, 'access.log');
    await writeFile(file, log);
    await demo('--site', id, '--log', file);
  }
  const child = spawn(binary, ['--log-level', 'warn', 'serve', '--demo', '--config', config], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const addresses = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, url] = /^ {2}(\w+).*?(http:\/\/\S+?)\/?$/.exec(line) ?? [];
    if (name) addresses[name] = url;
    if (name === 'ClickHouse') break;
  }
  if (!addresses.ClickHouse) throw new Error('the collector did not start');
  return {
    beacons: addresses.beacons,
    page: `${addresses.demo}/`,
    dashboard: `${addresses.dashboard}/`,
    /** @param {string} query a line of SQL; answers TabSeparated text */
    async sql(query) {
      const { origin, password } = new URL(addresses.ClickHouse);
      const headers = { 'X-ClickHouse-Key': password };
      const answer = await fetch(`${origin}/?database=sillage`, { method: 'POST', headers, body: query });
      const text = (await answer.text()).trimEnd();
      if (!answer.ok) throw new Error(text);
      return text;
    },
    /** Runs a command that reads beside the collector: `{ code, out, err }`. */
    command: (...args) => run([...args, '--config', config, '--clickhouse', addresses.ClickHouse]),
    /** What `sillage snippet` prints for a site. */
    async snippet(id, origin) {
      const { code, out, err } = await run(['snippet', id, '--config', config, '--origin', origin]);
      if (code !== 0) throw new Error(err);
      return out.trim();
    },
    async stop() {
      child.kill('SIGTERM');
      const code = await gone;
      await rm(folder, { recursive: true, force: true });
      return code;
    },
  };
}

/** Asks until the answer is right, or 20 s are over; then answers the last one. */
export async function settled(ask, isRight) {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
