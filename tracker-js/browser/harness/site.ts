// The web of the tests: pages on several hosts, the public address of the collector, and a log of
// every request to it.
//
// Hosts (all of them this server): shop.test has the pages, stats.test is the collector, other.test
// and embed.test are other sites.

import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import { connect, type Stored, siteName } from './collector';

/** A request that reached the collector's address. */
export interface Logged {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
  readonly at: number;
}

interface PageOptions {
  readonly headers?: { readonly [name: string]: string };
  readonly status?: number;
  readonly type?: string;
}

export interface Site {
  readonly port: number;
  readonly origin: (host?: string) => string;
  /** The same hosts behind TLS, with an untrusted certificate. */
  readonly secureOrigin: (host: string) => string;
  /** Serves a page at a path, on all hosts. */
  readonly put: (path: string, html: string | Buffer, options?: PageOptions) => void;
  /** A site id that no other test uses. */
  readonly newSite: () => string;
  /** Requests that carried this site's events, refused ones included. */
  readonly requests: (site: string) => Logged[];
  /** Every request to the collector's address, preflights included. */
  readonly log: Logged[];
  /** Requested paths that belong neither to the collector nor to scripts, in order. */
  readonly served: string[];
  readonly stored: (site: string) => Promise<Stored[]>;
  readonly close: () => Promise<void>;
}

// The real collector serves releases and the image.

/** Delay of the hanging address: longer than any test waits for a navigation. */
const HANG_MS = 10_000;

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

let sitesMade = 0;

/**
 * Starts the server. Site numbers are not reused within a run: each test file has its own `offset`.
 * Host names end in `domain`.
 */
export const startSite = async (offset: number, domain = 'test'): Promise<Site> => {
  const collector = connect(inject('collector'));
  const pages = new Map<string, { html: string | Buffer } & PageOptions>();
  const log: Logged[] = [];
  const served: string[] = [];
  const files = new Map<string, Buffer>();
  const adapters = (await readdir('dist/consent')).filter((name) => name.endsWith('.js'));
  for (const name of ['s.js', 's.extra.js', ...adapters.map((adapter) => `consent/${adapter}`)]) {
    files.set(`/${name}`, await readFile(`dist/${name}`));
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (pathname.endsWith('/api/event')) {
      const body = await readBody(request);
      const headers = request.headers as { [name: string]: string };
      // Like the collector for the hosts of its sites.
      response.setHeader('access-control-allow-origin', headers.origin ?? '*');
      response.setHeader('access-control-allow-credentials', 'true');
      log.push({ method: request.method ?? '', url: request.url ?? '', headers, body, at: performance.now() });
      if (pathname.startsWith('/hang')) await new Promise((resolve) => setTimeout(resolve, HANG_MS));
      if (pathname.startsWith('/late')) await new Promise((resolve) => setTimeout(resolve, 300));
      if (pathname.startsWith('/fails')) response.writeHead(503, { 'retry-after': '1' }).end();
      else if (pathname.startsWith('/missing')) response.writeHead(404).end();
      else if (request.method === 'POST') {
        const { status, cookies } = await collector.take(body, headers);
        response.writeHead(status, { 'set-cookie': cookies }).end();
      } else response.writeHead(204).end();
      return;
    }
    if (pathname.startsWith('/s/') || pathname === '/p.gif') {
      const { referer, 'user-agent': agent } = request.headers;
      const headers = { ...(referer && { referer }), ...(agent && { 'user-agent': agent }) };
      const passed = await fetch(`${inject('collector').origin}${request.url}`, { headers });
      for (const [name, value] of passed.headers)
        if (/^(content-type|cache-control|access-control-.*)$/.test(name)) response.setHeader(name, value);
      response.writeHead(passed.status).end(Buffer.from(await passed.arrayBuffer()));
      return;
    }
    const file = files.get(pathname);
    if (file) {
      response.writeHead(200, { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' }).end(file);
      return;
    }
    served.push(pathname);
    const page = pages.get(pathname);
    response
      .writeHead(page ? (page.status ?? 200) : 404, {
        'content-type': page?.type ?? 'text/html; charset=utf-8',
        ...page?.headers,
      })
      .end(page?.html ?? '');
  };

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  };
  const pem = (name: string) => readFile(new URL(`untrusted.${name}`, import.meta.url));
  const server = createServer(listener);
  const secure = createSecureServer({ key: await pem('key'), cert: await pem('pem') }, listener);
  const [port, securePort] = await Promise.all(
    [server, secure].map(async (one) => {
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
      return (one.address() as AddressInfo).port;
    }),
  );
  if (port === undefined) throw new Error('no port');

  return {
    port,
    log,
    served,
    origin: (host = 'shop.test') => `http://${host.replace(/test$/, domain)}:${port}`,
    secureOrigin: (host) => `https://${host}:${securePort}`,
    put: (path, html, options = {}) => void pages.set(path, { html, ...options }),
    newSite: () => siteName(offset + sitesMade++),
    requests: (site) => log.filter(({ body }) => body.includes(`"${site}"`)),
    stored: (site) => collector.stored(site),
    close: async () => {
      for (const one of [server, secure]) {
        one.closeAllConnections();
        await new Promise((resolve) => one.close(resolve));
      }
    },
  };
};
