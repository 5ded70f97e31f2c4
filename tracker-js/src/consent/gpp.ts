// IAB GPP 1.1.
//
// Its European section (`tcfeuv2`) equals TCF. Its US sections are about sale, sharing and targeted
// advertising, not about a site's own measurement, so they cannot grant it. Only their Global
// Privacy Control part counts, as an objection. If the page has a TCF interface as well, the
// adapter uses that one, because GPP encoders name fields differently.

import { type Choice, createTeller, readAttributes, whenThere } from './choice';
import { type TcfApi, watchTcf } from './tcf';

type Section = { readonly [field: string]: unknown };

export interface GppEvent {
  readonly eventName?: string;
  readonly pingData?: {
    readonly signalStatus?: string;
    readonly applicableSections?: readonly number[];
    readonly parsedSections?: { readonly [name: string]: Section | readonly Section[] };
  };
}

export type GppApi = (command: 'addEventListener', listener: (event: GppEvent | null, ok: boolean) => void) => void;

const TCF_EU_V2 = 2;
/** usnat and the state sections. */
const US_FIRST = 7;

/**
 * True if a list of purposes, with purpose 1 at index 0, holds storage (1) and measuring content
 * (8).
 */
const holds = (purposes: unknown): boolean | undefined =>
  Array.isArray(purposes) && purposes.length >= 8 ? Boolean(purposes[0] && purposes[7]) : undefined;

/**
 * The choice in one event. `current` is the previous one, which stays until the signal is ready
 * again.
 */
export const readGpp = (event: GppEvent | null, ok: boolean, current: Choice, isVendorsRead: boolean): Choice => {
  const ping = event?.pingData;
  if (!ok || !ping) return undefined;
  if (ping.signalStatus !== 'ready') return current;
  // [-1]: not known yet, [0]: none applies.
  const applicable = ping.applicableSections ?? [];
  const fields = (name: string): Section => Object.assign({}, ...[ping.parsedSections?.[name] ?? {}].flat());
  for (const [name, section] of Object.entries(ping.parsedSections ?? {})) {
    if (name.startsWith('us') && applicable.some((id) => id >= US_FIRST) && [section].flat().some(({ Gpc }) => Gpc)) {
      return false;
    }
  }
  if (!applicable.includes(TCF_EU_V2)) return undefined;
  const section = fields('tcfeuv2');
  if (section.IsServiceSpecific === false || section.PurposeOneTreatment === true) return false;
  return holds(section.PublisherConsents) ?? (isVendorsRead ? holds(section.PurposeConsents) : undefined) ?? false;
};

/** Listens until the page ends. */
export const watchGpp = (api: GppApi, isVendorsRead: boolean, tell = createTeller()): void => {
  let current: Choice;
  api('addEventListener', (event, ok) => {
    current = readGpp(event, ok, current, isVendorsRead);
    tell(current);
  });
};

/** The script's own start. */
export const startGpp = (): void => {
  const isVendorsRead = readAttributes().purposes === 'vendors';
  const page = window as { __tcfapi?: TcfApi; __gpp?: GppApi };
  const tell = createTeller();
  whenThere(
    () => page.__tcfapi ?? page.__gpp,
    () => {
      if (page.__tcfapi) watchTcf(page.__tcfapi, isVendorsRead, tell);
      else if (page.__gpp) watchGpp(page.__gpp, isVendorsRead, tell);
    },
  );
};
