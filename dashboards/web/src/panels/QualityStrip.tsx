import type { Key } from '../i18n/catalogue.en.ts';
import { useApp } from '../ui/context.ts';
import { isUnsupported, readyValue } from '../viewmodels/known.ts';

/** Outcomes in which somebody, or somebody's browser, did not agree. */
const REFUSALS = [
  'no_consent',
  'refused',
  'stale_policy',
  'opted_out',
  'gpc',
  'dnt',
  'consent_manager',
] as const;
/** What a site that only counts pages leaves out on purpose: said apart, as it is no loss. */
const PAGES_ONLY = 'pages_only';
const OTHERS = [PAGES_ONLY, 'bot', 'spam', 'hostname', 'duplicate'] as const;

/** What became of beacons that were not counted, in words where we have them. */
export function reasonName(reason: string, t: (key: Key) => string): string {
  const known = [...REFUSALS, ...OTHERS].find((name) => name === reason);
  return known ? t(`quality.reason.${known}`) : reason.replaceAll('_', ' ');
}

/** Why these numbers are what they are: what was left out, and what they cannot say. */
export function QualityStrip() {
  const { store, t, fmt } = useApp();
  const quality = store.quality.value;
  const hasGoal = store.view.value.filters.some(({ dimension }) => dimension === 'goal');
  const missing = [
    // Who reached a goal is about events, and no page was looked at in them.
    ...(!hasGoal && isUnsupported(store.known('engaged')) ? [t('metric.engagement_time')] : []),
    ...(isUnsupported(store.known('reading-page')) ? [t('metric.scroll_depth')] : []),
  ];
  const semantics = readyValue(store.known('totals'))?.meta.visitors_semantics;
  const dropped = Object.entries(quality?.dropped ?? {})
    .filter(([reason, count]) => count > 0 && reason !== PAGES_ONLY)
    .sort(([, a], [, b]) => b - a);
  const left = dropped.reduce((sum, [, count]) => sum + count, 0);
  const pagesOnly = quality?.dropped[PAGES_ONLY] ?? 0;
  const refused = REFUSALS.reduce((sum, reason) => sum + (quality?.dropped[reason] ?? 0), 0);
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
                .map(([reason, count]) => `${reasonName(reason, t)} ${fmt.count(count)}`)
                .join(', ')}`}
            {pagesOnly > 0 && ` · ${reasonName(PAGES_ONLY, t)} ${fmt.count(pagesOnly)}`}
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
