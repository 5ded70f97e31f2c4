// When the page's address changes without a load.
//
// Place: calls the tracker, which asks for the address itself and ignores one it has counted.
// Invariant: `history` is patched only where the browser has no Navigation API.
// `currententrychange` comes after the address has changed (`navigate` comes before and would count
// one page behind).

/** Calls `changed`, which must not throw, after each change of address inside the document. */
export const watchNavigation = (changed: () => void): void => {
  // An element with the id "navigation" also answers to this name where the API is missing; it has
  // no current entry.
  if (window.navigation?.currentEntry) {
    navigation.addEventListener('currententrychange', changed);
  } else {
    addEventListener('popstate', changed);
    for (const method of ['pushState', 'replaceState'] as const) {
      const native = history[method];
      history[method] = (...args) => {
        native.apply(history, args);
        changed();
      };
    }
  }
};
