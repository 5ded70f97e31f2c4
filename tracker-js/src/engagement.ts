// Engagement: how long a page was visible and focused, and how much of it was seen.
//
// Place: between the page's visibility and the engagement record. Invariant: the numbers of a
// pageview only grow, so that records may be lost, repeated or reordered: the collector keeps the
// largest. Not covered: elements that scroll inside the page.

import { isAttended, now, pageHeight, viewBottom } from './browser';

export interface Engagement {
  /**
   * Call it whenever visibility or focus may have changed. Returns the milliseconds so far, or
   * starts a new pageview. Cheap: forces no layout.
   */
  readonly tick: (isNew?: boolean) => number;
  /**
   * Call it when the page has scrolled. Returns the percentage of the page's height seen so far.
   */
  readonly look: () => number;
}

export const createEngagement = (): Engagement => {
  let engaged = 0;
  let since = 0;
  let bottom = 0;
  return {
    tick: (isNew) => {
      const time = now();
      if (since) engaged += time - since;
      since = isAttended() ? time : 0;
      if (isNew) engaged = bottom = 0;
      return Math.round(engaged);
    },
    look: () => {
      bottom = Math.max(bottom, viewBottom());
      return Math.min(100, Math.round((bottom / pageHeight()) * 100));
    },
  };
};
