// WP Consent API.
//
// `wp_has_consent` returns true if no consent type is set, and in opt-out regions before any
// choice, so it is not used. The adapter reads the cookie with the choice, and the consent type,
// which must be an opt-in.

import { type Choice, createTeller } from './choice';

interface WpPage {
  wp_consent_type?: string;
  consent_api?: { readonly cookie_prefix?: string };
}

export const readWp = (page: WpPage, cookies: string): Choice => {
  if (!page.wp_consent_type?.includes('optin')) return undefined;
  const name = `${page.consent_api?.cookie_prefix || 'wp_consent'}_statistics=`;
  const cookie = cookies.split('; ').find((each) => each.startsWith(name));
  const value = cookie?.slice(name.length);
  return value === 'allow' ? true : value === 'deny' ? false : undefined;
};

/** The script's own start. */
export const startWp = (tell = createTeller()): void => {
  const read = () => tell(readWp(window as WpPage, document.cookie));
  document.addEventListener('wp_listen_for_consent_change', (event) => {
    // An array with the change as named properties. A no counts at once, since its cookie may be
    // late.
    const { statistics } = Object((event as CustomEvent).detail) as { statistics?: string };
    if (statistics === 'deny') tell(false);
    else read();
  });
  document.addEventListener('wp_consent_type_defined', read);
  read();
};
