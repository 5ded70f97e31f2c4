// Osano.
//
// Only `osano-cm-consent-saved` is a choice. It fires at once if the visitor chose earlier. The
// adapter ignores `-consent-changed`, which fires at each toggle, and `-initialized`, which also
// fires with the defaults of regions without opt-in.

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
