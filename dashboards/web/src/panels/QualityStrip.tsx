import type { Key } from '../i18n/catalogue.en.ts';
import { useApp } from '../ui/context.ts';
import { isUnsupported, readyValue } from '../viewmodels/known.ts';

/** Outcomes in which the visitor, or the visitor's browser, refused measurement. */
const REFUSALS = [
  'no_consent',
  'refused',
  'stale_policy',
  'opted_out',
  'gpc',
  'dnt',
  'consent_manager',
] as const;
/** What a site that only counts pages leaves out by design. Shown separately: it is not a loss. */
const PAGES_ONLY = 'pages_only';
const OTHERS = [
  PAGES_ONLY,
  'bot',
  'automated',
  'prefetch',
  'spam',
  'unknown_site',
  'foreign_host',
  'unknown_campaign',
  'malformed',
  'too_many',
  'unavailable',
  'duplicate',
] as const;

/** Every outcome of a beacon that has a text; all but `accepted`. */
export const OUTCOMES = [...REFUSALS, ...OTHERS];

/** An outcome in the reader's language; one of a newer collector reads as its name. */
export function outcomeText(outcome: string, t: (key: Key) => string): string {
  const known = OUTCOMES.find((name) => name === outcome);
  return known ? t(`quality.reason.${known}`) : outcome.replaceAll('_', ' ');
}

/** Data quality: what was counted and left out, how visitors are counted, what is not measured. */
export function QualityStrip() {
  const { store, t, fmt } = useApp();
  const quality = store.quality.value;
  const hasGoal = store.view.value.filters.some(({ dimension }) => dimension === 'goal');
  const missing = [
    // A goal filter is about events, which have no engagement time.
    ...(!hasGoal && isUnsupported(store.known('engaged')) ? [t('metric.engagement_time')] : []),
    ...(isUnsupported(store.known('engagement-page')) ? [t('metric.scroll_depth')] : []),
  ];
  const semantics = readyValue(store.known('totals'))?.meta.visitors_semantics;
  const dropped = Object.entries(quality?.dropped ?? {})
    .filter(([outcome, count]) => count > 0 && outcome !== PAGES_ONLY)
    .sort(([, a], [, b]) => b - a);
  const left = dropped.reduce((sum, [, count]) => sum + count, 0);
  const pagesOnly = quality?.dropped[PAGES_ONLY] ?? 0;
  const refused = REFUSALS.reduce((sum, outcome) => sum + (quality?.dropped[outcome] ?? 0), 0);
  const accepted = quality?.accepted ?? 0;
  const at = store.fetchedAt.value;
  return (
    <footer class="quality" data-testid="quality">
      <h2>{t('quality.title')}</h2>
      <ul>
        {accepted + left > 0 && (
          <li>
            {t('quality.accepted', { n: accepted })}
            {left > 0 &&
              ` · ${t('quality.dropped', { share: fmt.percent(left / (accepted + left)) })}: ${dropped
                .map(([outcome, count]) => `${outcomeText(outcome, t)} ${fmt.count(count)}`)
                .join(', ')}`}
            {pagesOnly > 0 && ` · ${outcomeText(PAGES_ONLY, t)} ${fmt.count(pagesOnly)}`}
            {refused > 0 &&
              ` · ${t('quality.consentRate', { share: fmt.percent(accepted / (accepted + refused)) })}`}
          </li>
        )}
        {semantics && (
          <li>
            {semantics === 'exact' &&
              `${t('quality.exact')} ${t('quality.firstTouch')} ${t('quality.dailyLists')}`}
            {semantics === 'estimated' &&
              `${t('quality.estimated')} ${t('quality.firstTouch')} ${t('quality.dailyLists')}`}
            {semantics === 'first_touch' && `${t('quality.firstTouch')} ${t('quality.dailyLists')}`}
            {semantics === 'daily' && t('quality.daily')}
          </li>
        )}
        {missing.length > 0 && <li>{t('quality.unsupported', { names: missing.join(', ') })}</li>}
        {at && <li>{t('state.updated', { time: fmt.time(at) })}</li>}
      </ul>
    </footer>
  );
}
