/** Asks a question of one panel whenever its text changes; the answer before stays until the new one is there. */
import { useEffect, useState } from 'preact/hooks';
import type { Answer } from '../api/client.ts';
import type { Known } from '../viewmodels/known.ts';
import { useApp } from './context.ts';

type Held<T> = { asked: string; answer: Answer<T> };

export function useAsked<T>(
  asked: string | null,
  ask: (signal: AbortSignal) => Promise<Answer<T>>,
): { known: Known<T>; retry: () => void } {
  const { store } = useApp();
  const [held, setHeld] = useState<Held<T> | null>(null);
  const [attempt, setAttempt] = useState(0);
  // Numbers that can have grown are asked for again together with those above.
  const beat = store.fetchedAt.value?.getTime() ?? 0;
  useEffect(() => {
    if (asked === null) return;
    const stop = new AbortController();
    ask(stop.signal).then(
      (answer) => setHeld({ asked, answer }),
      () => {
        // Aborted: a newer question has taken over.
      },
    );
    return () => stop.abort();
  }, [asked, attempt, beat]);
  const retry = () => setAttempt(attempt + 1);
  if (held === null) return { known: { status: 'loading' }, retry };
  const isStale = held.asked !== asked;
  if (held.answer.ok) return { known: { status: 'ready', value: held.answer.value, isStale }, retry };
  return {
    known: isStale ? { status: 'loading' } : { status: 'failed', failure: held.answer.failure },
    retry,
  };
}
