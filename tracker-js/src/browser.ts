// What the tracker reads from the page: every access to window, document and navigator except
// requests and listeners.
//
// Place: below all other modules. Invariant: nothing here writes to the page or to any storage.

import { guard } from './guard';
import type { Option } from './types';

/**
 * True if the page is visible now. A prerendered page may report itself as visible before it is
 * shown.
 */
export const isVisible = (): boolean => !document.hidden && !document.prerendering;

/** True if the page is visible and focused. */
export const isAttended = (): boolean => isVisible() && document.hasFocus();

/** Milliseconds of a monotonic clock. */
export const now = (): number => performance.now();

/**
 * Scheme and host of the referrer. Does not use URL.origin, which is "null" for the addresses of
 * Android apps.
 */
export const cameFrom = (): string => document.referrer.split('/', 3).join('/');

/** Lowest visible line of the page, and the page's height, both in CSS pixels. */
export const viewBottom = (): number => scrollY + innerHeight;
export const pageHeight = (): number => document.documentElement.scrollHeight;

/**
 * True if the browser, its user or its driver signals that this visit must not be counted. The
 * visitor's mark in storage is read last: without access to storage there is no mark.
 */
export const isRefused = guard(
  (option: Option): unknown =>
    (!option('ignoreGpc') && navigator.globalPrivacyControl) ||
    (option('dnt') && navigator.doNotTrack === '1') ||
    (!option('automated') && navigator.webdriver) ||
    localStorage.sillage_ignore,
);

/** 96 random bits, as about 28 digits. */
export const randomId = (): string => crypto.getRandomValues(new Uint32Array(3)).join('');
