import { saveChartCsv } from '../chart/chartCsv.ts';
import { LOCALE_NAMES, LOCALES } from '../i18n/translate.ts';
import { daysBetween } from '../state/date.ts';
import { type Comparison, PERIODS, type Preset, parseRange } from '../state/period.ts';
import { useApp } from '../ui/context.ts';
import { Menu, MenuItem } from '../ui/Menu.tsx';
import { THEMES } from '../ui/preferences.ts';
import { PERIOD_KEYS } from './periodKeys.ts';

export function Header() {
  const { store, t } = useApp();
  const { boot } = store;
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="/" aria-label="Sillage">
          <Mark />
          <span class="brand-name">Sillage</span>
        </a>
        {boot.demo && <span class="badge">{t('app.demo')}</span>}
        <SitePicker />
        <Live />
        <div class="top-controls">
          <PeriodMenu />
          <CompareMenu />
          <MoreMenu />
        </div>
      </div>
    </header>
  );
}

/** The logo: a ship's wake, seen from above. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <path d="M16 4v9M16 13c-1.500 5-5 9.500-11 14M16 13c1.500 5 5 9.500 11 14" />
      <path d="M16 18c-.9 3-2.600 5.900-5 9M16 18c.9 3 2.600 5.900 5 9" opacity=".6" />
    </svg>
  );
}

function SitePicker() {
  const { store, t } = useApp();
  const site = store.site.value;
  if (!site) return null;
  return (
    <select
      class="site-picker"
      aria-label={t('site.pick')}
      data-testid="site-picker"
      value={site.id}
      onChange={(event) => store.go({ site: event.currentTarget.value, filters: [], detail: null })}
    >
      {store.boot.sites.map((one) => (
        <option key={one.id} value={one.id}>
          {one.id}
        </option>
      ))}
    </select>
  );
}

function Live() {
  const { store, t } = useApp();
  const visitors = store.live.value;
  return (
    <span class="live" title={t('live.hint')} data-testid="live" data-value={visitors ?? undefined}>
      {visitors !== null && (
        <>
          <span class={visitors > 0 ? 'live-dot is-on' : 'live-dot'} aria-hidden="true" />
          {t('live.now', { n: visitors })}
        </>
      )}
    </span>
  );
}

function PeriodMenu() {
  const { store, t, fmt } = useApp();
  const { period, custom } = store.view.value;
  const label = period === 'custom' && custom ? fmt.range(custom) : t(`period.${period}`);
  const pick = (next: Preset) => store.go({ period: next, custom: null, interval: null });
  return (
    <Menu label={<Chevron>{label}</Chevron>} title={`${t('period.pick')}: ${label}`} testId="period">
      {(close) => (
        <>
          <p class="menu-title">{t('period.pick')}</p>
          {PERIODS.map((preset) => (
            <MenuItem
              key={preset}
              isOn={preset === period}
              {...(preset in PERIOD_KEYS ? { keyHint: PERIOD_KEYS[preset] ?? '' } : {})}
              onPick={() => {
                pick(preset);
                close();
              }}
            >
              {t(`period.${preset}`)}
            </MenuItem>
          ))}
          <RangeForm
            label={t('period.custom')}
            from={store.days.value.range?.from ?? store.today.value}
            to={store.days.value.range?.to ?? store.today.value}
            onPick={(range) => {
              store.go({ period: 'custom', custom: range, interval: null });
              close();
            }}
          />
          <p class="menu-note muted">{t('period.zone', { zone: store.site.value?.timezone ?? 'UTC' })}</p>
        </>
      )}
    </Menu>
  );
}

function CompareMenu() {
  const { store, t, fmt } = useApp();
  const { compare, matchWeekday, compareCustom } = store.view.value;
  const before = store.days.value.before;
  const choices: Comparison[] = ['previous', 'year', 'off'];
  const length = store.days.value.range
    ? daysBetween(store.days.value.range.from, store.days.value.range.to)
    : 0;
  return (
    <Menu
      label={<Chevron>{t(`compare.short.${compare}`)}</Chevron>}
      title={`${t('compare.pick')}: ${t(`compare.short.${compare}`)}`}
      testId="compare"
    >
      {(close) => (
        <>
          <p class="menu-title">{t('compare.pick')}</p>
          {choices.map((choice) => (
            <MenuItem
              key={choice}
              isOn={choice === compare}
              onPick={() => {
                store.go({ compare: choice });
                close();
              }}
            >
              {t(`compare.${choice}`)}
            </MenuItem>
          ))}
          <MenuItem isOn={matchWeekday} onPick={() => store.go({ matchWeekday: !matchWeekday })}>
            {t('compare.match')}
          </MenuItem>
          <RangeForm
            label={t('compare.custom')}
            from={compareCustom?.from ?? before?.from ?? store.today.value}
            to={compareCustom?.to ?? before?.to ?? store.today.value}
            onPick={(range) => {
              store.go({ compare: 'custom', compareCustom: range });
              close();
            }}
          />
          {before && length >= 0 && (
            <p class="menu-note muted">{t('compare.with', { range: fmt.range(before) })}</p>
          )}
        </>
      )}
    </Menu>
  );
}

function RangeForm(props: {
  label: string;
  from: string;
  to: string;
  onPick: (range: { from: string; to: string }) => void;
}) {
  const { t } = useApp();
  return (
    <form
      class="range-form"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        const range = parseRange(String(form.get('from')), String(form.get('to')));
        if (range) props.onPick(range);
      }}
    >
      <fieldset>
        <legend>{props.label}</legend>
        <label>
          <span>{t('period.from')}</span>
          <input type="date" name="from" required value={props.from} />
        </label>
        <label>
          <span>{t('period.to')}</span>
          <input type="date" name="to" required value={props.to} />
        </label>
        <button type="submit" class="button">
          {t('period.apply')}
        </button>
      </fieldset>
    </form>
  );
}

function MoreMenu() {
  const app = useApp();
  const { t, locale, preferences } = app;
  return (
    <Menu label={<Dots />} title={t('menu.open')} class="button is-icon" testId="more">
      {(close) => (
        <>
          {!app.store.boot.demo && !app.store.boot.link && (
            <button
              type="button"
              class="menu-item"
              onClick={() => {
                close();
                app.store.go({ manage: 'goals', detail: null });
              }}
            >
              <span class="menu-tick" />
              <span>{t('menu.manage')}</span>
            </button>
          )}
          <button
            type="button"
            class="menu-item"
            onClick={() => {
              close();
              saveChartCsv(app);
            }}
          >
            <span class="menu-tick" />
            <span>{t('menu.csv')}</span>
          </button>
          <button
            type="button"
            class="menu-item"
            onClick={() => {
              close();
              window.print();
            }}
          >
            <span class="menu-tick" />
            <span>{t('menu.print')}</span>
          </button>
          <p class="menu-title">{t('menu.theme')}</p>
          {THEMES.map((theme) => (
            <MenuItem
              key={theme}
              isOn={preferences.theme.value === theme}
              onPick={() => preferences.saveTheme(theme)}
            >
              {t(`menu.theme.${theme}`)}
            </MenuItem>
          ))}
          <p class="menu-title">{t('menu.language')}</p>
          {LOCALES.map((one) => (
            <MenuItem key={one} isOn={one === locale} onPick={() => app.setLocale(one)}>
              <span lang={one}>{LOCALE_NAMES[one]}</span>
            </MenuItem>
          ))}
          <p class="menu-title">{t('menu.keys')}</p>
          <MenuItem
            isOn={preferences.hasKeys.value}
            onPick={() => preferences.saveKeys(!preferences.hasKeys.value)}
          >
            {t('menu.keysOn')}
          </MenuItem>
          {app.store.boot.version && <p class="menu-note muted">Sillage {app.store.boot.version}</p>}
        </>
      )}
    </Menu>
  );
}

function Chevron({ children }: { children: string }) {
  return (
    <>
      <span>{children}</span>
      <svg class="chevron" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d="m2.500 4.500 3.500 3.500 3.500-3.500" />
      </svg>
    </>
  );
}

function Dots() {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="currentColor">
      <circle cx="3" cy="8" r="1.400" />
      <circle cx="8" cy="8" r="1.400" />
      <circle cx="13" cy="8" r="1.400" />
    </svg>
  );
}
