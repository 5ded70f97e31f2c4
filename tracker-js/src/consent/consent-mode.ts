// Google Consent Mode v2, read from the data layer.
//
// Its state cannot be queried, so the adapter replays earlier commands and watches later ones. Only
// an `update` of `analytics_storage` is a choice: a `default`, with or without a region, is the
// site's setting. Some consent managers start each page with an `update` to denied, followed by the
// stored yes. The last update of a task counts, because a no would remove the cookie. Consent
// managers that are tag manager templates may bypass the data layer: use their own adapter.
// `data-layer` names a renamed data layer.

import { type Choice, createTeller, readAttributes } from './choice';

/** The choice in one entry of the data layer. Undefined if it holds none. */
export const readEntry = (entry: unknown): Choice => {
  // gtag pushes its `arguments`, which is not an array.
  const [command, action, values] = Array.prototype.slice.call(Object(entry)) as unknown[];
  if (command !== 'consent' || action !== 'update') return undefined;
  const storage = (Object(values) as { analytics_storage?: unknown }).analytics_storage;
  return storage === 'granted' ? true : storage === 'denied' ? false : undefined;
};

/**
 * Replays the layer and watches it. A push wrapped by other scripts, before or after, still works.
 */
export const watchLayer = (layer: unknown[], tell = createTeller()): void => {
  let latest: Choice;
  const read = (entry: unknown) => {
    const isFirst = latest === undefined;
    // An update of other settings keeps the choice.
    latest = readEntry(entry) ?? latest;
    if (isFirst && !latest) queueMicrotask(() => tell(latest));
    else tell(latest);
  };
  for (const entry of layer) latest = readEntry(entry) ?? latest;
  tell(latest);
  const push = layer.push;
  layer.push = (...entries) => {
    entries.forEach(read);
    return push.apply(layer, entries);
  };
};

/** The script's own start. */
export const startConsentMode = (): void => {
  const page = window as unknown as { [name: string]: unknown[] };
  const name = readAttributes().layer || 'dataLayer';
  page[name] ??= [];
  watchLayer(page[name]);
};
