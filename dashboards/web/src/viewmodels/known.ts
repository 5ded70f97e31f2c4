/** What is known about the answer to one query: loading, ready or failed. */
import type { Answer, ApiFailure } from '../api/client.ts';
import type { QueryResponse } from '../api/types.ts';
import type { Slot } from '../query/plan.ts';

export type Known<T> =
  | { status: 'loading' }
  /** `isStale`: the answer to the previous query, shown until the new one arrives. */
  | { status: 'ready'; value: T; isStale: boolean }
  | { status: 'failed'; failure: ApiFailure };

/** Answers by slot, each with the text of its query. */
export type Answers = ReadonlyMap<Slot, { asked: string; answer: Answer<QueryResponse> }>;

export function known(options: {
  answers: Answers;
  slot: Slot;
  asked: string | undefined;
  trouble: ApiFailure | null;
}): Known<QueryResponse> {
  const { answers, slot, asked, trouble } = options;
  const entry = answers.get(slot);
  if (entry && entry.asked === asked) {
    return entry.answer.ok
      ? { status: 'ready', value: entry.answer.value, isStale: false }
      : { status: 'failed', failure: entry.answer.failure };
  }
  if (trouble) return { status: 'failed', failure: trouble };
  return entry?.answer.ok
    ? { status: 'ready', value: entry.answer.value, isStale: true }
    : { status: 'loading' };
}

export function mapKnown<A, B>(from: Known<A>, f: (value: A) => B): Known<B> {
  return from.status === 'ready' ? { ...from, value: f(from.value) } : from;
}

export const readyValue = <T>(from: Known<T>): T | null => (from.status === 'ready' ? from.value : null);

/** The collector does not know a metric or dimension. Unlike a failure, a retry cannot help. */
export const isUnsupported = (from: Known<unknown>): boolean =>
  from.status === 'failed' && from.failure.kind === 'refused';
