// What stands behind the tracker in these tests, and what it has kept.
//
// Two of them: a recorder in this process, and the real collector (SILLAGE_BIN names its binary, SILLAGE_ENGINE its engine's library if that is not beside it), whose store is asked through
// ClickHouse's HTTP interface. Tests read only `Stored`, which both can tell. Either is reached through the test site, which logs
// each request and may delay or refuse it first.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  readonly name: string;
  /** Takes a request's body and headers; returns the status the tracker gets. */
  readonly take: (body: string, headers: { readonly [name: string]: string }) => Promise<number>;
  /** Events kept for a site, in no particular order: requests of one moment may overtake one another. */
  readonly stored: (site: string) => Promise<Stored[]>;
  readonly close: () => Promise<void>;
}

/** Sites a run may use; the real collector has to be told of each before it starts. */
export const SITES_MAX = 400;
export const siteName = (number: number): string => `site${number}.test`;

interface Wire {
  readonly n: string;
  readonly u?: string;
  readonly d?: string;
  readonly k?: string;
  readonly e?: number;
  readonly sd?: number;
  readonly p?: { readonly [name: string]: unknown };
}

/** Keeps events as the collector's rules say: a repeated name and id is one event, of engagements the largest counts. */
export const createRecorder = (): Collector => {
  const events: Wire[] = [];
  return {
    name: 'recorder',
    take: async (body, headers) => {
      const wire = JSON.parse(body) as Wire;
      if (headers['sec-gpc'] !== '1' && wire.n !== 'consent') events.push(wire);
      return 202;
    },
    stored: async (site) => {
      const kept = new Map<string, Stored>();
      for (const { n, u = '', d, k = '', e = 0, sd, p = {} } of events) {
        if (d !== site) continue;
        const known = kept.get(n + k);
        const { pathname, hash } = new URL(u);
        kept.set(n + k, {
          name: n,
          path: pathname + hash,
          key: k,
          engaged: Math.max(e, known?.engaged ?? 0),
          scroll: sd === undefined ? undefined : Math.max(sd, known?.scroll ?? 0),
          props: Object.fromEntries(Object.entries(p).map(([name, value]) => [name, `${value}`])),
        });
      }
      return [...kept.values()];
    },
    close: async () => {},
  };
};

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

/** Starts the collector itself, with its embedded engine, in a directory of its own. */
export const startSillage = async (binary: string): Promise<Collector> => {
  const directory = await mkdtemp(join(tmpdir(), 'sillage-tracker-'));
  const [port, enginePort] = [await freePort(), await freePort()];
  const sites = Array.from(
    { length: SITES_MAX },
    (_, number) =>
      `[[site]]\nid = "${siteName(number)}"\nhostnames = ["shop.test", "other.test", "embed.test", "shop.localhost"]\ntimezone = "UTC"\nprofile = "consent"\n`,
  );
  const config = join(directory, 'sillage.toml');
  await writeFile(
    config,
    [
      `data_dir = "${join(directory, 'data')}"`,
      `listen = "127.0.0.1:${port}"`,
      '[engine]',
      `listen = "127.0.0.1:${enginePort}"`,
      ...(process.env.SILLAGE_ENGINE ? [`library = "${process.env.SILLAGE_ENGINE}"`] : []),
      ...sites,
    ].join('\n'),
  );
  const child: ChildProcess = spawn(binary, ['--log-level', 'warn', 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200;
  for (let tries = 0; !(await isReady()); tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error('the collector did not become ready');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    name: 'sillage',
    take: async (body, { 'user-agent': userAgent = '', 'sec-gpc': gpc, cookie, origin }) => {
      const headers = { 'content-type': 'text/plain', 'user-agent': userAgent };
      Object.assign(headers, gpc && { 'sec-gpc': gpc }, cookie && { cookie }, origin && { origin });
      return (await fetch(`http://127.0.0.1:${port}/api/event`, { method: 'POST', body, headers })).status;
    },
    stored: async (site) => {
      const query = `SELECT name, any(path) AS path, toString(key) AS key, toUInt32(max(engaged_ms)) AS engaged,
          if(name = 'engagement', max(scroll), NULL) AS scroll, any(props) AS props
        FROM sillage.events WHERE site = {site:String} GROUP BY name, key, seq ORDER BY any(time), seq FORMAT JSONEachRow`;
      const url = `http://127.0.0.1:${enginePort}/?param_site=${encodeURIComponent(site)}`;
      const text = await (await fetch(url, { method: 'POST', body: query })).text();
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    close: async () => {
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
};
