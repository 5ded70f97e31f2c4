/** The failure of a panel that asks a question of its own, with a button to ask again. */
import type { ApiFailure } from '../api/client.ts';
import { useApp } from './context.ts';
import { failureText } from './Failure.tsx';

export function QuestionFailure({ failure, retry }: { failure: ApiFailure; retry: () => void }) {
  const { t } = useApp();
  return (
    <div class="panel-message" role="alert">
      <p>{failureText(failure, t)}</p>
      <button type="button" class="button" onClick={retry}>
        {t('error.retry')}
      </button>
    </div>
  );
}
