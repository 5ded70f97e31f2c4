// Shared by all consent adapters: passes the choice of a consent manager to the tracker.
//
// Place: between one consent manager and `sillage('consent', …)`. The tracker waits
// (`data-consent="wait"`), and only an adapter ends the wait. Invariants: only a choice of the
// visitor is passed on, never a default, a stub's answer or a state while the visitor is still
// choosing; a grant that disappears counts as withdrawn; without its consent manager the tracker
// keeps waiting. A page has one adapter. With several, one no is a no, and a yes needs all of them.
// A page may reload itself because of a no that only the next page receives, so nothing more leaves
// a page that reloads itself.

/**
 * A visitor's choice about measurement. Undefined: no choice, or no reliable one.
 */
export type Choice = boolean | undefined;

type Call = (name: 'consent', granted: boolean | 'wait') => void;

interface Page {
  sillage?: Call & { q?: unknown[][] };
  /** The choice of each adapter on the page, and the last one passed to the tracker. */
  sillageChoices?: { readonly each: Choice[]; told?: boolean };
}

/** Milliseconds after which the reload is considered cancelled. */
export const RELOAD_MS = 3000;

/**
 * Many consent managers store a no and reload the page without any event. A reload by the page
 * itself therefore ends the measurement of this page, silently. If the reload does not happen, the
 * choice is passed again. Reloads by the visitor do not count. Browsers without the Navigation API
 * do not announce reloads.
 */
const watchReload = (page: Page, choices: NonNullable<Page['sillageChoices']>): void => {
  window.navigation?.addEventListener?.('navigate', ({ destination, userInitiated }) => {
    const isReload = destination.url.split('#', 1)[0] === location.href.split('#', 1)[0];
    if (userInitiated || destination.sameDocument || !isReload) return;
    page.sillage?.('consent', 'wait');
    setTimeout(() => {
      if (choices.told !== undefined) page.sillage?.('consent', choices.told);
    }, RELOAD_MS);
  });
};

/**
 * Returns the function that passes a choice to the tracker if the choice of the page has changed.
 */
export const createTeller = (page: Page = window as unknown as Page) => {
  if (!page.sillageChoices) {
    page.sillageChoices = { each: [] };
    watchReload(page, page.sillageChoices);
  }
  const choices = page.sillageChoices;
  const place = choices.each.push(undefined) - 1;
  return (choice: Choice): void => {
    choices.each[place] = choice;
    const all = choices.each.includes(false) ? false : choices.each.includes(undefined) ? undefined : true;
    const granted = all ?? (choices.told ? false : undefined);
    if (granted === undefined || granted === choices.told) return;
    choices.told = granted;
    if (!page.sillage) {
      const queue: unknown[][] = [];
      page.sillage = Object.assign((...args: unknown[]) => void queue.push(args), { q: queue });
    }
    page.sillage('consent', granted);
  };
};

/**
 * Interval of the checks for a consent manager that has not loaded yet, in milliseconds. The checks
 * end after half a minute.
 */
export const LOOK_INTERVAL_MS = 100;
export const LOOKS_MAX = 300;

/**
 * Calls `then` with the result of `find` as soon as there is one. `find` may throw before.
 */
export const whenThere = <Found>(find: () => Found | undefined, then: (found: Found) => void): void => {
  let looks = 0;
  const look = (): boolean => {
    let found: Found | undefined;
    try {
      found = find();
    } catch {
      // The consent manager may be half initialised; the next attempt may succeed.
    }
    if (found) then(found);
    return Boolean(found);
  };
  if (look()) return;
  const timer = setInterval(() => {
    looks += 1;
    if (look() || looks >= LOOKS_MAX) clearInterval(timer);
  }, LOOK_INTERVAL_MS);
};

/** Settings of an adapter: the attributes of its script tag. */
export const readAttributes = (): DOMStringMap => (document.currentScript as HTMLScriptElement | null)?.dataset ?? {};
