// Shared types: the site's settings and the wire format.
//
// Place: below all other modules. It imports nothing and holds no code.

/** Settings of the tracker. All are optional. */
export interface Config {
  /**
   * Site id, as configured in the collector. Absent: the collector takes the host of the page's
   * URL.
   */
  site?: string;
  /** Another name for `site`, known from other trackers. */
  domain?: string;
  /** Address events are posted to. Default: `/api/event` on the script's own origin. */
  api?: string;
  /** `'wait'` keeps events in memory until consent is given. */
  consent?: 'wait';
  /**
   * Version of the privacy policy that the visitor is shown, sent with each event. Text: for the
   * collector any other type is a different version, under which a yes has lapsed. `init` converts
   * a number to the text that it is written as.
   */
  policy?: string;
  /** Count a change of the URL's fragment as a new page. */
  hash?: boolean;
  /** Send no pageview unless `sillage('pageview')` is called. */
  manual?: boolean;
  /**
   * Send although the browser sends Global Privacy Control. The collector still applies the site's
   * profile.
   */
  ignoreGpc?: boolean;
  /** Send nothing if the browser sends Do Not Track. */
  dnt?: boolean;
  /** Send although the browser is automated. Such events are marked. */
  automated?: boolean;
  /**
   * Names of query parameters to keep in addition to utm_source, -medium, -campaign, -content,
   * -term, ref and source: `page|tab`.
   */
  allowQuery?: string;
  /**
   * Receives each event before it is sent, and returns it, a changed one, or nothing to drop it. As
   * an attribute: the name of a global function.
   */
  beforeSend?: string | ((beacon: Beacon) => Beacon | null | undefined | false);
}

/** Reads one setting. An empty attribute means true, `"false"` means false. */
export type Option = <Name extends keyof Config>(name: Name) => Config[Name] | boolean | undefined;

/** Properties of a custom event. */
export type Props = { readonly [name: string]: string | number | boolean };

/** Money attached to an event: a decimal amount and an ISO 4217 code. */
export interface Revenue {
  readonly amount: number | string;
  readonly currency: string;
}

/** Options of a custom event. `u` is the address of a manual pageview. */
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
  /**
   * Referrer: scheme and host, or the previous page if this one was reached without a load.
   */
  r?: string | undefined;
  /** Properties. */
  p?: Props | undefined;
  /** Revenue. */
  $?: Revenue | undefined;
  /** False: the event does not end a bounce. */
  i?: boolean | undefined;
  /** 1: the fragment is part of the page's address. */
  h?: unknown;
  /** Total milliseconds that the page was visible and focused since its pageview. */
  e?: number;
  /** How far down the page was seen, as a percentage of its height. */
  sd?: number;
  /**
   * Random id of the event. An engagement carries that of its pageview. A repeated name and id is a
   * retry.
   */
  k?: string | undefined;
  /** Consent: 1 given, 0 withdrawn, absent: no choice. */
  c?: 0 | 1 | undefined;
  /** Version of the policy shown. */
  cv?: unknown;
  /** Width of the viewport in CSS pixels. */
  w?: number;
  /** 1: the browser is automated. */
  b?: 1 | undefined;
}

/** Fields that the second file adds to an engagement. */
export interface ExtraFields {
  /** Cells clicked: row * 20 + column, of square cells as wide as a twentieth of the page. */
  x?: number[];
  /**
   * Largest Contentful Paint, Interaction to Next Paint, First Contentful Paint, Time to First
   * Byte: milliseconds.
   */
  vl?: number;
  vi?: number;
  vf?: number;
  vt?: number;
  /** Cumulative Layout Shift. */
  vc?: number;
}
