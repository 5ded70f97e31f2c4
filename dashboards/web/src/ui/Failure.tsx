/** How failures of the API are shown. */
import type { ApiFailure } from '../api/client.ts';
import type { Catalogue } from '../i18n/catalogue.en.ts';
import { createTranslate, type Translate } from '../i18n/translate.ts';
import { useApp } from './context.ts';

export function failureText(failure: ApiFailure, t: Translate): string {
  switch (failure.kind) {
    case 'server':
      return t('error.server', { status: String(failure.status) });
    case 'refused':
      return t('error.refused', { message: failure.message });
    default:
      return t(`error.${failure.kind}`);
  }
}

/** Replaces the page when it could not start. */
export function Failure({
  failure,
  catalogue,
  locale,
}: {
  failure: ApiFailure;
  catalogue: Catalogue;
  locale: string;
}) {
  const t = createTranslate(catalogue, locale);
  return (
    <main class="start-failure">
      <div class="card notice-card" role="alert">
        <p>{failureText(failure, t)}</p>
        {failure.kind === 'signed-out' ? (
          <a class="button is-main" href={logInAddress()}>
            {t('error.logIn')}
          </a>
        ) : (
          <button type="button" class="button is-main" onClick={() => location.reload()}>
            {t('error.retry')}
          </button>
        )}
      </div>
    </main>
  );
}

export const logInAddress = (): string =>
  `/login?${new URLSearchParams({ next: location.pathname + location.search })}`;

/** A failure inside the panel that has it, with a button to retry or log in. */
export function PanelFailure({ failure }: { failure: ApiFailure }) {
  const { t, store } = useApp();
  if (failure.kind === 'refused' && isAboutUnknown(failure.message)) {
    return <p class="panel-message muted">{t('error.unsupported')}</p>;
  }
  // When the whole batch failed, the notice above has the button to retry.
  if (store.trouble.value) return <p class="panel-message muted">{failureText(failure, t)}</p>;
  return (
    <div class="panel-message" role="alert">
      <p>{failureText(failure, t)}</p>
      {failure.kind === 'signed-out' ? (
        <a class="button" href={logInAddress()}>
          {t('error.logIn')}
        </a>
      ) : (
        <button type="button" class="button" onClick={store.retry}>
          {t('error.retry')}
        </button>
      )}
    </div>
  );
}

/** A refusal that names a metric or dimension comes from a collector older than this page. */
const isAboutUnknown = (message: string): boolean => /metric|dimension/i.test(message);
