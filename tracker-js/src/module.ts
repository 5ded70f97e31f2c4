// Entry of the npm package `@sillage/tracker`.
//
// Importing does nothing, so that servers may render pages that import it. `init` starts the
// tracker, once per page.

import { readOptions } from './config';
import { type Sillage, start } from './tracker';
import type { Config } from './types';

export type { Sillage } from './tracker';
export type { Beacon, Config, EventOptions, ExtraFields, Props, Revenue } from './types';

interface Page {
  sillage?: Sillage;
}

/**
 * Starts counting and returns the function to call with events. A second call, as in development
 * modes of frameworks, returns the function of the first call. Without a page, as on a server, it
 * returns a function that does nothing.
 */
export const init = (config: Config = {}): Sillage => {
  try {
    const page = window as Page;
    if (page.sillage?.x) return page.sillage;
    // Versions are text: a number, given in spite of the types, becomes the text that it is written
    // as.
    const version = typeof config.policy === 'number' ? { policy: `${config.policy}` } : {};
    const options = readOptions(undefined, { ...config, ...version });
    const sillage = start(options, config.api || '/api/event', page.sillage?.q ?? []);
    page.sillage = sillage;
    return sillage;
  } catch {
    return () => {};
  }
};
