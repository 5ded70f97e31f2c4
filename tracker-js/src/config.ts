// Settings: what a site may say about the tracker, by attributes of the script tag or by a global
// object.
//
// Place: read once, before anything else. Both ways name the same settings (`data-allow-query` is
// `allowQuery`), because tag managers strip attributes and strict sites dislike globals; the
// attribute wins where both speak. Not here: what a setting does.

import type { Config, Option } from './types';

/**
 * Looks settings up in the script's attributes, then in the global object. Either may be missing.
 */
export const readOptions = (
  attributes: { readonly [name: string]: string | undefined } | undefined,
  given: Config | undefined,
): Option => {
  return (name) => {
    const value: unknown = attributes?.[name] ?? given?.[name];
    return value !== 'false' && (value === '' || (value as never));
  };
};
