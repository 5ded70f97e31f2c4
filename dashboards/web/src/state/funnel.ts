/** A funnel as the form builds it, as the address holds it, and as the API takes it. */
import { DIMENSIONS, type Dimension, escapeTilde, unescapeTilde, wireName } from './filter.ts';

export const STEP_KINDS = ['page', 'name', 'goal'] as const satisfies Dimension[];
/** A step is a page, an event by its name, or a goal. */
export type StepKind = (typeof STEP_KINDS)[number];
export type Step = { kind: StepKind; value: string };
export const ORDERS = ['loose', 'strict'] as const;
export type Order = (typeof ORDERS)[number];
/** `by`: the dimension of visits that each step is split by. */
export type Funnel = { order: Order; by: Dimension | null; steps: Step[] };

export const STEPS_MIN = 2;
export const STEPS_MAX = 8;
/** Dimensions of visits. Dimensions of events cannot split a visit. */
export const SPLITS = DIMENSIONS.filter((one) => !STEP_KINDS.includes(one as StepKind));

type WireStep = { name?: string; filters: unknown[][] };
export type WireFunnel = { order: Order; steps: WireStep[] };
/** A saved funnel as the API has it. */
export type WireSavedFunnel = WireFunnel & { name: string };

/**
 * `loose~source~page~/cart~name~Order`: order, split (may be empty), then type and value of each
 * step.
 */
export const writeFunnel = ({ order, by, steps }: Funnel): string =>
  [order, by ?? '', ...steps.flatMap(({ kind, value }) => [kind, escapeTilde(value)])].join('~');

export function parseFunnel(text: string): Funnel | null {
  const [order, by, ...rest] = text.split('~');
  const steps: Step[] = [];
  for (let i = 0; i < rest.length; i += 2) {
    const kind = STEP_KINDS.find((one) => one === rest[i]);
    const value = unescapeTilde(rest[i + 1] ?? '');
    if (!kind || value === '') return null;
    steps.push({ kind, value });
  }
  const split = SPLITS.find((one) => one === by);
  if (!ORDERS.includes(order as Order) || (by && !split)) return null;
  if (steps.length < STEPS_MIN || steps.length > STEPS_MAX) return null;
  return { order: order as Order, by: split ?? null, steps };
}

export const toWireFunnel = ({ order, steps }: Funnel): WireFunnel => ({
  order,
  steps: steps.map(({ kind, value }) => ({
    name: value.slice(0, 120),
    filters: [['is', wireName(kind), [value]]],
  })),
});

/**
 * A saved funnel as the form shows it; `null` if a step has conditions that the form cannot show.
 */
export function fromWireFunnel({ order, steps }: WireFunnel): Funnel | null {
  const known = steps.map(({ filters }): Step | null => {
    const [op, dimension, values] = filters[0] ?? [];
    const kind = STEP_KINDS.find((one) => wireName(one) === dimension);
    const isOne = filters.length === 1 && op === 'is' && Array.isArray(values) && values.length === 1;
    return kind && isOne ? { kind, value: String((values as string[])[0]) } : null;
  });
  if (known.some((step) => step === null)) return null;
  return { order: order ?? 'loose', by: null, steps: known as Step[] };
}
