// Osano.
//
// Only `osano-cm-consent-saved` is a choice; for a visitor who chose earlier it comes at once.
// `-consent-changed` comes at each toggle, and `-initialized` also with the defaults of regions
// without opt-in: neither is listened to.

import { createTeller, whenThere } from './choice';

export type OsanoConsent = { readonly [category: string]: 'ACCEPT' | 'DENY' | undefined };

export interface OsanoManager {
  readonly addEventListener: (type: string, listener: (consent: OsanoConsent) => void) => void;
}

export const watchOsano = (manager: OsanoManager, tell = createTeller()): void =>
  manager.addEventListener('osano-cm-consent-saved', (consent) => tell(consent?.ANALYTICS === 'ACCEPT'));

/** The script's own start. */
export const startOsano = (): void => {
  const tell = createTeller();
  whenThere(
    () => {
      const manager = (window as { Osano?: { cm?: OsanoManager } }).Osano?.cm;
      return typeof manager?.addEventListener === 'function' ? manager : undefined;
    },
    (manager) => watchOsano(manager, tell),
  );
};
