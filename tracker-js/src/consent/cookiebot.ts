// Cookiebot.
//
// Its events fire on every page, with the stored answer or a new one. In regions with implied
// consent it reports everything as accepted without a click; `method` shows the difference.

import { type Choice, createTeller } from './choice';

export interface Cookiebot {
  readonly hasResponse?: boolean;
  readonly consent?: { readonly statistics?: boolean; readonly method?: string | null };
}

export const readCookiebot = (cookiebot: Cookiebot | undefined): Choice =>
  cookiebot?.hasResponse && cookiebot.consent?.method === 'explicit'
    ? cookiebot.consent.statistics === true
    : undefined;

/** The script's own start. */
export const startCookiebot = (tell = createTeller()): void => {
  const read = () => tell(readCookiebot((window as { Cookiebot?: Cookiebot }).Cookiebot));
  for (const type of ['CookiebotOnConsentReady', 'CookiebotOnAccept', 'CookiebotOnDecline']) {
    addEventListener(type, read);
  }
  read();
};
