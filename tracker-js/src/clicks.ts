// Automatic events: outbound links, downloads, submitted forms, and elements that the page marks.
//
// Place: capturing listeners in `tracker` pass each click, auxclick and submit to the reader.
// Invariants: no event is prevented, delayed or awaited; no text, value, selector or query of a
// link is read; only http and https links are read, because others carry content in their address.
// Not covered: forms inside shadow roots, whose submit event does not leave the root.

import { readWeb } from './payload';
import type { EventOptions } from './types';

const DOWNLOAD = /\.(pdf|(doc|xls|ppt)x?|csv|zip|rar|7z|gz|dmg|exe|apk|mp[34]|epub)$/i;

/**
 * Returns a listener that calls `found` for each automatic event and each marked element on the
 * event's path: `data-sillage` names an event, `data-sillage-options` holds the options as JSON. An
 * outbound link is reported by its host only.
 */
export const createReader = (found: (name: string, options?: EventOptions) => void) => (event: Event) => {
  // auxclick covers the middle button, which opens links, and the right button, which does not.
  if ((event as MouseEvent).button > 1) return;
  for (const element of event.composedPath() as HTMLElement[]) {
    const isForm = element.localName === 'form';
    if (isForm === (event.type === 'submit')) {
      const { sillage, sillageOptions } = element.dataset || {};
      if (sillage) found(sillage, sillageOptions && JSON.parse(sillageOptions));
      else if (isForm) found('form');
      else if (/^a(rea)?$/.test(element.localName)) {
        const url = readWeb(element.getAttribute('href') as string, element.baseURI);
        if (url) {
          if (url.host !== location.host) found('outbound', { props: { host: url.host } });
          else if (element.hasAttribute('download') || DOWNLOAD.test(url.pathname))
            found('download', { props: { path: url.pathname } });
        }
      }
    }
  }
};
