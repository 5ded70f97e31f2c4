// Browser interfaces that TypeScript's DOM library does not describe yet.

interface DeferredRequestInit extends RequestInit {
  /** Milliseconds after which the browser may send although the page is still open. */
  activateAfter?: number;
}

interface Document {
  /** True while the page is rendered for a visit that may never happen. */
  readonly prerendering?: boolean;
}

interface Navigator {
  readonly globalPrivacyControl?: boolean;
  readonly doNotTrack?: string | null;
}

/**
 * Chromium 135 and later: passes a request to the browser, which sends it when the page ends in any
 * way.
 */
declare function fetchLater(url: string | URL, init?: DeferredRequestInit): { readonly activated: boolean };
