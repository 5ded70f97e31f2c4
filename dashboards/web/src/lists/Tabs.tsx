/** The lists of a panel to choose from: the first few as buttons, the rest in a menu. */
import { PANEL_TABS, type Panel, type Tab } from '../state/address.ts';
import { useApp } from '../ui/context.ts';
import { Menu, MenuItem } from '../ui/Menu.tsx';

/** Tabs shown as buttons. */
const BUTTONS_MAX = 4;

export function Tabs({ panel, tab }: { panel: Panel; tab: Tab }) {
  const { store, t } = useApp();
  const all: readonly Tab[] = PANEL_TABS[panel];
  if (all.length === 1) return null;
  const isInMenu = all.indexOf(tab) >= BUTTONS_MAX;
  const buttons = isInMenu ? [...all.slice(0, BUTTONS_MAX - 1), tab] : all.slice(0, BUTTONS_MAX);
  const rest = all.filter((one) => !buttons.includes(one));
  const pick = (one: Tab) => store.go({ tabs: { ...store.view.peek().tabs, [panel]: one } });
  return (
    <div class="tabs" role="group" aria-label={t('panel.tabs')}>
      {buttons.map((one) => (
        <button key={one} type="button" aria-pressed={one === tab} onClick={() => pick(one)}>
          {t(`tab.${one}`)}
        </button>
      ))}
      {rest.length > 0 && (
        <Menu label="…" title={t('panel.more')} class="">
          {(close) =>
            rest.map((one) => (
              <MenuItem
                key={one}
                isOn={false}
                onPick={() => {
                  pick(one);
                  close();
                }}
              >
                {t(`tab.${one}`)}
              </MenuItem>
            ))
          }
        </Menu>
      )}
    </div>
  );
}
