/** Saved filters from the API, as chips. Only if this page can show every condition exactly. */
import type { WireFilter } from '../api/types.ts';
import { DIMENSIONS, type Filter, opsOf, parseFilter, wireName, writeFilter } from '../state/filter.ts';

/** A saved filter as the API has it. */
export type WireSavedFilter = { name: string; filters: unknown[] };

/** `null` if a filter has a form that a chip cannot show. */
export function fromWire(filters: unknown[]): Filter[] | null {
  const known = filters.map((filter): Filter | null => {
    if (!Array.isArray(filter)) return null;
    const [op, name, values, how] = filter as WireFilter;
    const dimension = DIMENSIONS.find((one) => wireName(one) === name);
    if (!dimension || !opsOf(dimension).includes(op) || !Array.isArray(values)) return null;
    const isPart = op === 'contains' || op === 'contains_not';
    if (how !== undefined && how.case_sensitive !== !isPart) return null;
    // Checked by the rules of the address, so that its limits hold here as well.
    return parseFilter(writeFilter({ dimension, op, values: values.map(String) }));
  });
  return known.every((filter) => filter !== null) && known.length > 0 ? known : null;
}
