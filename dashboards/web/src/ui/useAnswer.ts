/**
 * Asks one panel's own question whenever its text changes. The previous answer stays, marked as
 * stale, until the new one arrives.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Answer } from '../api/client.ts';
import type { Known } from '../viewmodels/known.ts';
import { useApp } from './context.ts';

/** `question`: its text, `null` while there is nothing to ask. `ask` sends it. */
export function useAnswer<T>(
  question: string | null,
  ask: (signal: AbortSignal) => Promise<Answer<T>>,
): { known: Known<T>; retry: () => void } {
  const { store } = useApp();
  const [held, setHeld] = useState<{ question: string; answer: Answer<T> } | null>(null);
  const [attempt, setAttempt] = useState(0);
  // Whenever the numbers above are fetched again, so is this answer.
  const fetchedAt = store.fetchedAt.value?.getTime() ?? 0;
  useEffect(() => {
    if (question === null) return;
    const stop = new AbortController();
    ask(stop.signal).then(
      (answer) => setHeld({ question, answer }),
      () => {
        // Aborted: a newer question replaced this one.
      },
    );
    return () => stop.abort();
  }, [question, attempt, fetchedAt]);
  const retry = () => setAttempt(attempt + 1);
  if (held === null) return { known: { status: 'loading' }, retry };
  const isStale = held.question !== question;
  if (held.answer.ok) return { known: { status: 'ready', value: held.answer.value, isStale }, retry };
  return {
    known: isStale ? { status: 'loading' } : { status: 'failed', failure: held.answer.failure },
    retry,
  };
}
