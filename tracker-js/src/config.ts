// Settings: what a site may say about the tracker, by attributes of the script tag or by a global
// object.
//
// Place: read once, before anything else. Both ways name the same settings (`data-allow-query` is
// `allowQuery`), because tag managers strip attributes and strict sites dislike globals; the
// attribute wins where both speak. Not here: what a setting does.

import type { Beacon } from './payload';

/** Settings of the tracker. Every one of them is optional. */
export interface Config {
  /** Site id, as configured in the collector. Absent: the collector takes the host of the page's URL. */
  site?: string;
  /** Another name for `site`, known from other trackers. */
  domain?: string;
  /** Address events are posted to. Default: `/api/event` on the script's own origin. */
  api?: string;
  /** `'wait'` keeps events in memory until consent is given. */
  consent?: 'wait';
  /**
   * Version of the privacy policy the visitor is shown; sent with each event. Text: the collector
   * takes anything else for another version than its own, under which a yes has lapsed. `init`
   * turns a number into the text it is written as.
   */
  policy?: string;
  /** Count a change of the URL's fragment as a new page. */
  hash?: boolean;
  /** Send no pageview unless `sillage('pageview')` is called. */
  manual?: boolean;
  /** Send although the browser states Global Privacy Control. The collector still applies the site's profile. */
  ignoreGpc?: boolean;
  /** Send nothing when the browser states Do Not Track. */
  dnt?: boolean;
  /** Send although the browser is driven by software; such events are marked. */
  automated?: boolean;
  /** Names of query parameters to keep besides utm_source, -medium, -campaign, -content, -term, ref and source: `page|tab`. */
  allowQuery?: string;
  /** Sees each event before it is sent and returns it, a changed one, or nothing to drop it. As an attribute: the name of a global function. */
  beforeSend?: string | ((beacon: Beacon) => Beacon | null | undefined | false);
}

/** Reads one setting. An empty attribute means true, `"false"` means false. */
export type Option = <Name extends keyof Config>(name: Name) => Config[Name] | boolean | undefined;

/** Looks settings up in the script's attributes, then in the global object. Either may be missing. */
export const readOptions = (
  attributes: { readonly [name: string]: string | undefined } | undefined,
  given: Config | undefined,
): Option => {
  return (name) => {
    const value: unknown = attributes?.[name] ?? given?.[name];
    return value !== 'false' && (value === '' || (value as never));
  };
};
