// Klaro.
//
// Klaro sends `consents` at each toggle, before anything is saved: only `saveConsents` is a choice.
// A required or opt-out service is accepted without a click, so it never counts as granted here.
// `data-service` names the service (default: sillage).

import { type Choice, createTeller, readAttributes, whenThere } from './choice';

export interface KlaroManager {
  readonly confirmed: boolean;
  readonly config?: {
    readonly required?: boolean;
    readonly optOut?: boolean;
    readonly services?: readonly { readonly name: string; readonly required?: boolean; readonly optOut?: boolean }[];
  };
  readonly getConsent: (service: string) => boolean;
  readonly watch: (watcher: { update: (manager: KlaroManager, name: string, data: unknown) => void }) => void;
}

export const readKlaro = (manager: KlaroManager, name: string): Choice => {
  if (!manager.confirmed) return undefined;
  const service = manager.config?.services?.find((each) => each.name === name);
  const isFixed = (service?.required ?? manager.config?.required) || (service?.optOut ?? manager.config?.optOut);
  return !isFixed && manager.getConsent(name) === true;
};

export const watchKlaro = (manager: KlaroManager, service: string, tell = createTeller()): void => {
  tell(readKlaro(manager, service));
  manager.watch({
    update: (_manager, name) => {
      if (name === 'saveConsents') tell(readKlaro(manager, service));
    },
  });
};

/** The script's own start. */
export const startKlaro = (): void => {
  const service = readAttributes().service || 'sillage';
  const tell = createTeller();
  whenThere(
    () => (window as { klaro?: { getManager?: () => KlaroManager } }).klaro?.getManager?.(),
    (manager) => watchKlaro(manager, service, tell),
  );
};
