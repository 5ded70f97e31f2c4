// The collector of these tests: with owners, generated traffic and a demo site, and SQL access.
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { launch, run, sql } from '../harness/collector.mjs';

/**
 * @param {string} site the `[[site]]` tables of the configuration
 * @param {object} options
 * @param {string} [options.top] keys above the tables
 * @param {number} [options.days] days of generated traffic before today
 * @param {Record<string, string>} [options.logs] access logs of past traffic, by site
 * @param {{ name: string, password: string }[]} [options.people] owners of all sites
 */
export async function startCollector(site, { top = '', days = 0, logs = {}, people = [] } = {}) {
  const succeed = async (args, input) => {
    const { code, out, err } = await run(args, input);
    if (code !== 0) throw new Error(err);
    return out;
  };
  const prepare = async (config) => {
    const demo = (...args) => succeed(['demo', '--config', config, ...args]);
    for (const { name, password } of people) {
      await succeed(['user', '--config', config, 'add', name, '--site', '*', '--role', 'owner'], password);
    }
    if (days) await demo('--days', String(days));
    for (const [id, log] of Object.entries(logs)) {
      const file = join(dirname(config), 'access.log');
      await writeFile(file, log);
      await demo('--site', id, '--log', file);
    }
  };
  const { config, addresses, stop } = await launch({ keys: top, tables: site, flags: ['--demo'], prepare });
  return {
    beacons: addresses.beacons,
    page: `${addresses.demo}/`,
    dashboard: `${addresses.dashboard}/`,
    /** @param {string} query one statement; returns TabSeparated text */
    sql: (query) => sql(addresses.ClickHouse, query),
    /** Runs a command that reads while the collector runs: `{ code, out, err }`. */
    command: (...args) => run([...args, '--config', config, '--clickhouse', addresses.ClickHouse]),
    /** What `sillage snippet` prints for a site. */
    snippet: async (id, origin) => (await succeed(['snippet', id, '--config', config, '--origin', origin])).trim(),
    stop,
  };
}

/** Asks until the answer is right or 20 s have passed. Returns the last answer. */
export async function settled(ask, isRight) {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
