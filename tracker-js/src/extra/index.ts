// Entry of the optional second file: web vitals, click cells and a count of script errors.
//
// Place: next to the tracker, which handles consent, waiting and sending. This file writes fields
// into `sillage.x`, which the tracker sends with the current pageview's engagement, and calls
// `sillage` for errors. It makes no requests itself. Without the tracker it does nothing.

import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';
import { guard } from '../guard';
import type { ExtraFields } from '../types';
import { CELLS_MAX, readCell } from './cells';

/** Errors reported per document, so that an error in a loop does not flood the collector. */
const ERRORS_MAX = 10;

interface Page {
  sillage?: ((name: string, options: { interactive: false }) => void) & { x?: ExtraFields };
}

guard(() => {
  const page = window as unknown as Page;

  // Web vitals describe the load, or the return from the back-forward cache. They belong to the
  // pageview of that address, not to later pageviews of the same document.
  const address = location.href;
  const note = (fields: ExtraFields) => {
    if (page.sillage?.x && location.href === address) Object.assign(page.sillage.x, fields);
  };
  // Report all changes: the tracker sends when the page is hidden, and final values arrive after
  // that.
  const options = { reportAllChanges: true };
  onLCP(({ value }) => note({ vl: Math.round(value) }), options);
  onINP(({ value }) => note({ vi: Math.round(value) }), options);
  onFCP(({ value }) => note({ vf: Math.round(value) }), options);
  onTTFB(({ value }) => note({ vt: Math.round(value) }), options);
  onCLS(({ value }) => note({ vc: Math.round(value * 1000) / 1000 }), options);

  const countClick = guard((event: MouseEvent) => {
    const extra = page.sillage?.x;
    const cell = readCell(event, document.documentElement.scrollWidth);
    if (!extra || cell === undefined) return;
    extra.x ??= [];
    if (extra.x.length < CELLS_MAX) extra.x.push(cell);
  });
  addEventListener('click', (event) => countClick(event), true);

  let errors = 0;
  const countError = guard(() => {
    errors += 1;
    if (errors <= ERRORS_MAX) page.sillage?.('error', { interactive: false });
  });
  // Without capture: a resource that fails to load is not a script error.
  addEventListener('error', () => countError());
  addEventListener('unhandledrejection', () => countError());
})();
