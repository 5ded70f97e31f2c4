// What goes over the wire: the shape of a beacon and the cleaning of addresses. Pure.
//
// Place: between the page and `send`. Invariant: no query parameter, fragment or user name of an
// address leaves the browser unless it is on the allow-list. The collector cleans again and has the
// last word.

import type { Option } from './config';

/** Properties of a custom event. */
export type Props = { readonly [name: string]: string | number | boolean };

/** Money attached to an event: a decimal amount and an ISO 4217 code. */
export interface Revenue {
  readonly amount: number | string;
  readonly currency: string;
}

/** What may be said about a custom event; `u` is the address of a pageview sent by hand. */
export interface EventOptions {
  readonly props?: Props;
  readonly revenue?: Revenue;
  /** False: the event does not end a bounce. */
  readonly interactive?: boolean;
  readonly u?: string;
}

/** One message to the collector, as JSON. Absent fields are left out. */
export interface Beacon extends ExtraFields {
  /** Name: `pageview`, `engagement`, `consent` or a custom one. */
  n: string;
  /** Address of the page, cleaned. */
  u?: string | undefined;
  /** Site id. */
  d?: unknown;
  /** Where the visitor came from: scheme and host, or the page before when this one was reached without a load. */
  r?: string | undefined;
  /** Properties. */
  p?: Props | undefined;
  /** Revenue. */
  $?: Revenue | undefined;
  /** False: the event does not end a bounce. */
  i?: boolean | undefined;
  /** 1: the fragment is part of the page's address. */
  h?: unknown;
  /** Milliseconds the page was visible and focused, in all, since its pageview. */
  e?: number;
  /** How far down the page was seen, in per cent of its height. */
  sd?: number;
  /** Random id of the event; an engagement carries its pageview's. A repeated name and id is a retry. */
  k?: string | undefined;
  /** Consent: 1 given, 0 withdrawn, absent: nothing said. */
  c?: 0 | 1 | undefined;
  /** Version of the policy shown. */
  cv?: unknown;
  /** Width of the viewport in CSS pixels. */
  w?: number;
  /** 1: the browser is driven by software. */
  b?: 1 | undefined;
}

/** What the second file adds to an engagement. */
export interface ExtraFields {
  /** Cells clicked: row * 20 + column, of square cells as wide as a twentieth of the page. */
  x?: number[];
  /** Largest Contentful Paint, Interaction to Next Paint, First Contentful Paint, Time to First Byte: milliseconds. */
  vl?: number;
  vi?: number;
  vf?: number;
  vt?: number;
  /** Cumulative Layout Shift. */
  vc?: number;
}

/**
 * An address of the web; undefined for one of another scheme. What such an address holds may be
 * anything: the content of a file (`data:`), a mailbox (`mailto:`), a number (`tel:`), code
 * (`javascript:`).
 */
export const readWeb = (href: string, base: string | URL): URL | undefined => {
  const url = new URL(href, base);
  return /^https?:/.test(url.href) ? url : undefined;
};

/**
 * Returns the function that leaves of an address (default: `base`) its origin, path and allowed
 * query parameters and, in hash mode, the fragment up to the first `?`, `&` or `=`. Relative
 * addresses start from `base`, which is read anew each time. It throws when given something that is
 * not an address of the web.
 */
export const createCleaner = (option: Option, base: { toString(): string }) => {
  const allowed = RegExp(`^(utm_(source|medium|campaign|content|term)|ref|source|${option('allowQuery')})$`);
  return (href?: string): string => {
    const url = readWeb((href || base) as string, base as URL) as URL;
    for (const key of [...url.searchParams.keys()]) {
      if (!allowed.test(key)) url.searchParams.delete(key);
    }
    return url.origin + url.pathname + url.search + (option('hash') ? url.hash.split(/[?&=]/, 1) : '');
  };
};
