// What the tracker reads of the page: every access to window, document and navigator that is not a
// request or a listener.
//
// Place: beneath all other modules. Invariant: nothing here writes to the page or to any storage.

import { guard } from './guard';
import type { Option } from './types';

/**
 * True when the page is visible now. A prerendered page may call itself visible before it is
 * shown.
 */
export const isVisible = (): boolean => !document.hidden && !document.prerendering;

/** True when the page is visible and focused. */
export const isAttended = (): boolean => isVisible() && document.hasFocus();

/** Milliseconds of a monotonic clock. */
export const now = (): number => performance.now();

/**
 * Scheme and host the visitor came from. Not by URL.origin, which is "null" for the addresses of
 * Android apps.
 */
export const cameFrom = (): string => document.referrer.split('/', 3).join('/');

/** Lowest line of the page that is in view, and the page's height, both in CSS pixels. */
export const viewBottom = (): number => scrollY + innerHeight;
export const pageHeight = (): number => document.documentElement.scrollHeight;

/**
 * True when the browser, its user or its driver says that this visit is not to be counted. The
 * visitor's own mark is read last: where the page has no access to storage, there is no mark.
 */
export const isRefused = guard(
  (option: Option): unknown =>
    (!option('ignoreGpc') && navigator.globalPrivacyControl) ||
    (option('dnt') && navigator.doNotTrack === '1') ||
    (!option('automated') && navigator.webdriver) ||
    localStorage.sillage_ignore,
);

/** 28 digits or so: 96 random bits. */
export const randomId = (): string => crypto.getRandomValues(new Uint32Array(3)).join('');
