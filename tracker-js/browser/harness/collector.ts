// The real collector behind the tracker in these tests, and what it has kept.
//
// One for a whole run, started before any test (SILLAGE_BIN names another binary than the debug
// build); its store is asked through ClickHouse's HTTP interface. It is reached through the test
// site, which logs each request and may delay or refuse it first.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One kept event, of the fields both collectors can tell. */
export interface Stored {
  readonly name: string;
  readonly path: string;
  /** Same for a pageview and its engagement. */
  readonly key: string;
  /** Milliseconds; 0 but for engagements. */
  readonly engaged: number;
  /** Per cent; undefined but for engagements. */
  readonly scroll: number | undefined;
  readonly props: { readonly [name: string]: string };
}

export interface Collector {
  /**
   * Takes a request's body and headers; returns the status and the cookies the tracker's browser
   * gets.
   */
  readonly take: (body: string, headers: { readonly [name: string]: string }) => Promise<Taken>;
  /**
   * Events kept for a site, in no particular order: requests of one moment may overtake one
   * another.
   */
  readonly stored: (site: string) => Promise<Stored[]>;
}

/** What a beacon was answered with. */
export interface Taken {
  readonly status: number;
  readonly cookies: string[];
}

/**
 * Where the collector of this run and its engine listen, and the command line that knows the sites.
 */
export interface Ports {
  readonly collector: number;
  readonly engine: number;
  /** The password of the engine's readers. */
  readonly token: string;
  readonly binary: string;
  readonly config: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    ports: Ports;
  }
}

/** Sites a run may use; the real collector has to be told of each before it starts. */
export const SITES_MAX = 500;
/** From here on they count without being asked; the others need a yes. */
export const COUNTED_FROM = 480;
export const siteName = (number: number): string => `site${number}.test`;

/** A port nobody listens on now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** Starts the collector with its embedded engine, in a directory of its own. */
export const startSillage = async (): Promise<{ ports: Ports; stop: () => Promise<void> }> => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const binary = process.env.SILLAGE_BIN ?? join(root, 'target/debug/sillage');
  if (!existsSync(binary))
    throw new Error(`${binary} is missing; run \`cargo build\` first, or name it with SILLAGE_BIN`);
  const directory = await mkdtemp(join(tmpdir(), 'sillage-tracker-'));
  const config = join(directory, 'sillage.toml');
  const ports = { collector: await freePort(), engine: await freePort(), token: '', binary, config };
  const sites = Array.from(
    { length: SITES_MAX },
    (_, number) =>
      `[[site]]\nid = "${siteName(number)}"\nhostnames = ["shop.test", "other.test", "embed.test", "shop.localhost", "xn--bcher-kva.test"]\ntimezone = "UTC"\nprofile = "${number < COUNTED_FROM ? 'consent' : 'count'}"\n`,
  );
  await writeFile(
    config,
    [
      `data_dir = "${join(directory, 'data')}"`,
      `listen = "127.0.0.1:${ports.collector}"`,
      `[engine]\nlisten = "127.0.0.1:${ports.engine}"`,
      // Tests wait for what is stored.
      '[spool]\nsegment_age_ms_max = 200',
      ...sites,
    ].join('\n'),
  );
  const child: ChildProcess = spawn(binary, ['--log-level', 'error', 'serve', '--config', config], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
    await rm(directory, { recursive: true, force: true });
  };
  const isReady = async () =>
    (await fetch(`http://127.0.0.1:${ports.collector}/readyz`).catch(() => undefined))?.status === 200;
  for (let tries = 0; !(await isReady()); tries++) {
    if (tries > 600 || child.exitCode !== null) {
      await stop();
      throw new Error('the collector did not become ready');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  ports.token = (await readFile(join(directory, 'data', 'sql.token'), 'utf8')).trim();
  return { ports, stop };
};

/** The collector of this run. */
export const connect = ({ collector, engine, token }: Ports): Collector => ({
  take: async (body, { 'user-agent': userAgent = '', 'sec-gpc': gpc, cookie, origin }) => {
    const headers = { 'content-type': 'text/plain', 'user-agent': userAgent };
    Object.assign(headers, gpc && { 'sec-gpc': gpc }, cookie && { cookie }, origin && { origin });
    const answer = await fetch(`http://127.0.0.1:${collector}/api/event`, { method: 'POST', body, headers });
    return { status: answer.status, cookies: answer.headers.getSetCookie() };
  },
  stored: async (site) => {
    const query = `SELECT name, any(path) AS path, toString(key) AS key, toUInt32(max(engaged_ms)) AS engaged,
        if(name = 'engagement', max(scroll), NULL) AS scroll, any(props) AS props
      FROM sillage.events WHERE site = {site:String} GROUP BY name, key, seq ORDER BY any(time), seq FORMAT JSONEachRow`;
    const url = `http://127.0.0.1:${engine}/?param_site=${encodeURIComponent(site)}`;
    const headers = { 'X-ClickHouse-Key': token };
    const answer = await fetch(url, { method: 'POST', headers, body: query });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  },
});
