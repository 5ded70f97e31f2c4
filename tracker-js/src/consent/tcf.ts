// IAB TCF 2.2 and 2.3.
//
// Granted means consent to purposes 1 (storage) and 8 (measuring content) in the publisher's own
// signals: a collector on the site's own host is not a vendor. Many consent managers omit the
// publisher's signals; `data-purposes="vendors"` then reads the purposes granted to vendors.
// Legitimate interest is never a yes.

import { type Choice, createTeller, readAttributes, whenThere } from './choice';

export interface TcData {
  readonly eventStatus?: string;
  readonly gdprApplies?: boolean;
  readonly isServiceSpecific?: boolean;
  readonly purposeOneTreatment?: boolean;
  readonly publisher?: { readonly consents?: { readonly [purpose: string]: boolean } };
  readonly purpose?: { readonly consents?: { readonly [purpose: string]: boolean } };
}

export type TcfApi = (
  command: 'addEventListener',
  version: 2,
  listener: (data: TcData | null, ok: boolean) => void,
) => void;

/**
 * The choice in one answer. `current` is the previous one, which stays while the visitor is asked
 * again.
 */
export const readTcf = (data: TcData | null, ok: boolean, current: Choice, isVendorsRead: boolean): Choice => {
  if (!ok || !data) return undefined;
  // The dialogue is open: the string does not hold the visitor's final choice.
  if (data.eventStatus === 'cmpuishown') return current;
  if (data.eventStatus !== 'tcloaded' && data.eventStatus !== 'useractioncomplete') return undefined;
  // If the GDPR does not apply, the answer has no purposes. That is not a yes.
  if (data.gdprApplies !== true) return undefined;
  // A string shared between sites is invalid since 2.2. Purpose one treatment means that the
  // visitor was not asked about purpose 1.
  if (data.isServiceSpecific === false || data.purposeOneTreatment === true) return false;
  const own = data.publisher?.consents;
  const consents = isVendorsRead && !(own && Object.keys(own).length) ? data.purpose?.consents : own;
  return Boolean(consents?.[1] && consents[8]);
};

/** Listens until the page ends. */
export const watchTcf = (api: TcfApi, isVendorsRead: boolean, tell = createTeller()): void => {
  let current: Choice;
  api('addEventListener', 2, (data, ok) => {
    current = readTcf(data, ok, current, isVendorsRead);
    tell(current);
  });
};

/** The script's own start. */
export const startTcf = (): void => {
  const isVendorsRead = readAttributes().purposes === 'vendors';
  const tell = createTeller();
  whenThere(
    () => (window as { __tcfapi?: TcfApi }).__tcfapi,
    (api) => watchTcf(api, isVendorsRead, tell),
  );
};
