// Shared by all consent adapters: passes a consent manager's answer to the tracker.
//
// Place: between one consent manager and `sillage('consent', …)`. The tracker is set to wait
// (`data-consent="wait"`); an adapter alone ends the wait. Invariants: only a choice the visitor
// made is passed on, never a default, a stub's answer or a state while the visitor is still
// choosing; what was granted and no longer is counts as withdrawn; a consent manager that never
// comes leaves the tracker waiting. A page has one adapter; where there are several, a no of any is
// a no and a yes takes all of them. A page that reloads itself may do so because of a no that only
// the next page hears: nothing more leaves it.

/**
 * A visitor's choice about measurement; undefined: none was made, or none that can be relied on.
 */
export type Choice = boolean | undefined;

type Call = (name: 'consent', granted: boolean | 'wait') => void;

interface Page {
  sillage?: Call & { q?: unknown[][] };
  /** The choice of each adapter on the page, and the last one passed to the tracker. */
  sillageChoices?: { readonly each: Choice[]; told?: boolean };
}

/** Milliseconds after which a page that is still there has not reloaded. */
export const RELOAD_MS = 3000;

/**
 * Many consent managers store a no and reload the page without any event. A reload that the
 * page makes itself therefore ends the measurement of this page, silently; where it does not come
 * about, the choice is passed again. Reloads by the visitor do not count. Browsers without the
 * Navigation API say nothing of reloads.
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
 * Returns the function that tells the tracker of a choice when the page's differs from the one
 * before.
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
 * Milliseconds between looks for a consent manager that is not there yet, and looks in all: half a
 * minute.
 */
export const LOOK_INTERVAL_MS = 100;
export const LOOKS_MAX = 300;

/**
 * Calls `then` with what `find` finds, as soon as it finds something. `find` may throw meanwhile.
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
