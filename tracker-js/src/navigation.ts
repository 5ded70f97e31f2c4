// Detects changes of the page's address without a load.
//
// Place: calls the tracker, which reads the address itself and ignores an address that it has
// counted. Invariant: `history` is patched only if the browser has no Navigation API.
// `currententrychange` fires after the address has changed (`navigate` fires before and would count
// the previous page).

/** Calls `changed`, which must not throw, after each change of address inside the document. */
export const watchNavigation = (changed: () => void): void => {
  // If the API is missing, `navigation` may be an element with this id, which has no current entry.
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
