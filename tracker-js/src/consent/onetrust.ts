// OneTrust.
//
// Templates for regions without opt-in list the category from the first load. Only a closed banner
// shows that the visitor has chosen. `data-category` replaces the category C0002 (performance).

import { type Choice, createTeller, readAttributes } from './choice';

interface OneTrustPage {
  OnetrustActiveGroups?: string;
  /** May exist before it has its functions. */
  OneTrust?: { IsAlertBoxClosed?: () => boolean };
}

export const readOneTrust = (page: OneTrustPage, category: string): Choice => {
  const { OnetrustActiveGroups: groups, OneTrust: banner } = page;
  if (typeof groups !== 'string' || typeof banner?.IsAlertBoxClosed !== 'function') return undefined;
  // ",C0001,C0002,": split, since C0002 is also a prefix of C00021.
  return banner.IsAlertBoxClosed() ? groups.split(',').includes(category) : undefined;
};

/** The script's own start. */
export const startOneTrust = (tell = createTeller()): void => {
  const category = readAttributes().category || 'C0002';
  const read = () => tell(readOneTrust(window as OneTrustPage, category));
  addEventListener('OneTrustGroupsUpdated', read);
  addEventListener('OTConsentApplied', read);
  read();
};
