import { useApp } from '../ui/context.ts';
import { failureText, logInAddress } from '../ui/Failure.tsx';
import { readyValue } from '../viewmodels/known.ts';

/**
 * Notices about the whole page: failed requests, an ended session, missing days, an invalid
 * address.
 */
export function Notices() {
  const { store, t, fmt } = useApp();
  const trouble = store.trouble.value;
  const at = store.fetchedAt.value;
  const meta = readyValue(store.known('totals'))?.meta;
  const cleared = meta?.ids_cleared_before;
  const until = meta?.numbers_until;
  return (
    <div class="notices">
      {trouble && (
        <div class="notice is-trouble" role="alert" data-testid="trouble">
          <span>
            {failureText(trouble, t)} {at && t('state.stale', { time: fmt.time(at) })}
          </span>
          {trouble.kind === 'signed-out' ? (
            <a class="button" href={logInAddress()}>
              {t('error.logIn')}
            </a>
          ) : (
            <button type="button" class="button" onClick={store.retry}>
              {t('error.retry')}
            </button>
          )}
        </div>
      )}
      {cleared && (
        <p class="notice" role="status" data-testid="ids-cleared">
          {t('notice.idsCleared', { day: fmt.day(cleared) })}
        </p>
      )}
      {until && (
        <p class="notice" role="status" data-testid="numbers-until">
          {t('notice.numbersUntil', { time: `${fmt.day(until.slice(0, 10))}, ${until.slice(11, 16)}` })}
        </p>
      )}
      {store.unknownSite.value && (
        <p class="notice" role="status">
          {t('notice.unknownSite', { site: store.unknownSite.value, other: store.site.value?.id ?? '' })}
        </p>
      )}
      {store.ignored.value.length > 0 && (
        <div class="notice" role="status" data-testid="ignored">
          <span>{t('notice.ignored', { names: store.ignored.value.join(', ') })}</span>
          <button
            type="button"
            class="button"
            onClick={() => {
              store.ignored.value = [];
            }}
          >
            {t('notice.dismiss')}
          </button>
        </div>
      )}
    </div>
  );
}
