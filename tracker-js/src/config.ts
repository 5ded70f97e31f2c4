// Settings of the tracker, from attributes of the script tag or from a global object.
//
// Place: read once, before anything else. Both ways have the same settings (`data-allow-query` is
// `allowQuery`), because tag managers strip attributes and strict sites avoid globals. If both are
// set, the attribute wins. Not here: what a setting does.

import type { Config, Option } from './types';

/**
 * Reads settings from the script's attributes, then from the global object. Either may be missing.
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
