// Wire format: the fields of a beacon and the cleaning of addresses. Pure.
//
// Place: between the page and `send`. Invariant: no query parameter, fragment or user name of an
// address leaves the browser unless it is on the allow-list. The collector cleans addresses again.

import type { Option } from './types';

/**
 * The parsed web address, or undefined for another scheme. Such an address may hold anything: the
 * content of a file (`data:`), a mailbox (`mailto:`), a phone number (`tel:`), code
 * (`javascript:`).
 */
export const readWeb = (href: string, base: string | URL): URL | undefined => {
  const url = new URL(href, base);
  if (/^https?:/.test(url.href)) return url;
};

/**
 * Returns the function that reduces an address (default: `base`) to its origin, path, allowed query
 * parameters and, in hash mode, the fragment up to the first `?`, `&` or `=`. Relative addresses
 * start from `base`, which is read at each call. It throws if the address is not a web address.
 */
export const createCleaner = (option: Option, base: { toString(): string }) => {
  const allowed = RegExp(`^(utm_(source|medium|campaign|content|term)|ref|source|${option('allowQuery') || 'ref'})$`);
  return (href?: string): string => {
    const url = readWeb((href || base) as string, base as URL) as URL;
    for (const key of [...url.searchParams.keys()]) {
      if (!allowed.test(key)) url.searchParams.delete(key);
    }
    return url.origin + url.pathname + url.search + (option('hash') ? url.hash.split(/[?&=]/, 1) : '');
  };
};
