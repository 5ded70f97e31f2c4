// The real collector of these tests, and the events it has stored.
//
// One collector serves a whole run and starts before any test. Beacons reach it through the test
// site, which logs each request and may delay or refuse it.

import { launch, sql } from '../../../tests/harness/collector.mjs';

/** One stored event, reduced to the fields that the tests compare. */
export interface Stored {
  readonly name: string;
  readonly path: string;
  /** Same for a pageview and its engagement. */
  readonly key: string;
  /** Milliseconds; 0 except for engagements. */
  readonly engaged: number;
  /** Per cent; undefined except for engagements. */
  readonly scroll: number | undefined;
  readonly props: { readonly [name: string]: string };
}

export interface Collector {
  /**
   * Takes the body and headers of a request. Returns the status and the cookies for the browser.
   */
  readonly take: (body: string, headers: { readonly [name: string]: string }) => Promise<Taken>;
  /**
   * Events stored for a site, in no particular order, since concurrent requests may overtake each
   * other.
   */
  readonly stored: (site: string) => Promise<Stored[]>;
}

/** The response to a beacon. */
export interface Taken {
  readonly status: number;
  readonly cookies: string[];
}

/**
 * The collector of this run. Plain values, because they are passed to the processes of the tests.
 */
export interface Running {
  /** Scheme, host and port. */
  readonly origin: string;
  /** ClickHouse's URL with the readers' password. */
  readonly clickhouse: string;
  /** Path of the binary, for commands with this configuration. */
  readonly binary: string;
  readonly config: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    collector: Running;
  }
}

/** Maximum number of sites of a run. The collector's configuration lists all of them. */
export const SITES_MAX = 500;
/** Sites from this number on count without consent. The others need a yes. */
export const COUNTED_FROM = 480;
export const siteName = (number: number): string => `site${number}.test`;

/** Starts the collector with its embedded engine. */
export const startSillage = async (): Promise<{ running: Running; stop: () => Promise<number> }> => {
  const sites = Array.from(
    { length: SITES_MAX },
    (_, number) =>
      `[[site]]\nid = "${siteName(number)}"\nhostnames = ["shop.test", "other.test", "embed.test", "shop.localhost", "xn--bcher-kva.test"]\ntimezone = "UTC"\nprofile = "${number < COUNTED_FROM ? 'consent' : 'count'}"\n`,
  );
  // Tests wait for stored events, so segments are stored soon.
  const tables = `[spool]\nsegment_age_ms_max = 200\n${sites.join('\n')}`;
  const { binary, config, addresses, stop } = await launch({ tables, logLevel: 'error' });
  const { beacons = '', ClickHouse: clickhouse = '' } = addresses;
  return { running: { origin: new URL(beacons).origin, clickhouse, binary, config }, stop };
};

/** The collector of this run. */
export const connect = ({ origin: collector, clickhouse }: Running): Collector => ({
  take: async (body, { 'user-agent': userAgent = '', 'sec-gpc': gpc, cookie, origin }) => {
    const headers = { 'content-type': 'text/plain', 'user-agent': userAgent };
    Object.assign(headers, gpc && { 'sec-gpc': gpc }, cookie && { cookie }, origin && { origin });
    const answer = await fetch(`${collector}/api/event`, { method: 'POST', body, headers });
    return { status: answer.status, cookies: answer.headers.getSetCookie() };
  },
  stored: async (site) => {
    const query = `SELECT name, any(path) AS path, toString(key) AS key, toUInt32(max(engaged_ms)) AS engaged,
        if(name = 'engagement', max(scroll), NULL) AS scroll, any(props) AS props
      FROM sillage.events WHERE site = {site:String} GROUP BY name, key, seq ORDER BY any(time), seq FORMAT JSONEachRow`;
    const text = await sql(clickhouse, query, { site });
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  },
});
