/** Filters as the page builds them, as the address holds them, and as the API takes them. */
import type { FilterOp, WireFilter } from '../api/types.ts';

export const DIMENSIONS = [
  'page',
  'entry_page',
  'exit_page',
  'channel',
  'source',
  'referrer',
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_content',
  'utm_term',
  'country',
  'region',
  'city',
  'language',
  'browser',
  'os',
  'device',
  'screen',
  'name',
  'goal',
] as const;
/** Dimensions to filter by: the API's names without `event:` or `visit:`. */
export type Dimension = (typeof DIMENSIONS)[number];

export const OPS = ['is', 'is_not', 'contains', 'contains_not'] as const satisfies readonly FilterOp[];
/** Filters by a goal cannot be negated: the API does not answer them. */
export const opsOf = (dimension: Dimension): readonly FilterOp[] =>
  dimension === 'goal' ? ['is', 'contains'] : OPS;

/** Several values mean "or"; several filters mean "and". */
export type Filter = { dimension: Dimension; op: FilterOp; values: string[] };

/** Filters of a view, and values of a filter, at most. Bounds the length of an address. */
export const FILTERS_MAX = 12;
export const FILTER_VALUES_MAX = 40;

export const wireName = (dimension: Dimension): string =>
  dimension === 'page' || dimension === 'name' || dimension === 'goal'
    ? `event:${dimension}`
    : `visit:${dimension}`;

/** `contains` ignores case; `is` matches the exact value. */
export function toWire({ op, dimension, values }: Filter): WireFilter {
  return op === 'contains' || op === 'contains_not'
    ? [op, wireName(dimension), values, { case_sensitive: false }]
    : [op, wireName(dimension), values];
}

export const escapeTilde = (value: string): string =>
  value.replace(/[%~]/g, (c) => (c === '%' ? '%25' : '%7E'));
export const unescapeTilde = (value: string): string => value.replace(/%7E/g, '~').replace(/%25/g, '%');

/** `source~is~Google~Bing`. A tilde inside a value is escaped. */
export const writeFilter = (filter: Filter): string =>
  [filter.dimension, filter.op, ...filter.values.map(escapeTilde)].join('~');

export function parseFilter(text: string): Filter | null {
  const [dimension, op, ...values] = text.split('~');
  if (!DIMENSIONS.includes(dimension as Dimension)) return null;
  if (!opsOf(dimension as Dimension).includes(op as FilterOp)) return null;
  if (values.length === 0 || values.length > FILTER_VALUES_MAX) return null;
  return { dimension: dimension as Dimension, op: op as FilterOp, values: values.map(unescapeTilde) };
}

export const sameFilter = (a: Filter, b: Filter): boolean => writeFilter(a) === writeFilter(b);

/** A click on a row: sets the filter `is value`, or removes it if it is already set. */
export function toggleValue(filters: Filter[], dimension: Dimension, value: string): Filter[] {
  const clicked: Filter = { dimension, op: 'is', values: [value] };
  if (filters.some((filter) => sameFilter(filter, clicked))) {
    return filters.filter((filter) => !sameFilter(filter, clicked));
  }
  return [...filters.filter((filter) => filter.dimension !== dimension || filter.op !== 'is'), clicked];
}
