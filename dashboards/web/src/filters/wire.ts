/** Kept filters as the page shows them: only those whose every condition it can show as it is. */
import type { WireFilter } from '../api/types.ts';
import { DIMENSIONS, type Filter, opsOf, parseFilter, wireName, writeFilter } from '../state/filter.ts';

/** `null` where one of them asks for more than a chip can say. */
export function fromWire(filters: unknown[]): Filter[] | null {
  const known = filters.map((filter): Filter | null => {
    if (!Array.isArray(filter)) return null;
    const [op, name, values, how] = filter as WireFilter;
    const dimension = DIMENSIONS.find((one) => wireName(one) === name);
    if (!dimension || !opsOf(dimension).includes(op) || !Array.isArray(values)) return null;
    const isPart = op === 'contains' || op === 'contains_not';
    if (how !== undefined && how.case_sensitive !== !isPart) return null;
    // By the address' own rules: what is too long there is too long here.
    return parseFilter(writeFilter({ dimension, op, values: values.map(String) }));
  });
  return known.every((filter) => filter !== null) && known.length > 0 ? known : null;
}
