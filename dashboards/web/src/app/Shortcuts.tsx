import { useEffect, useRef } from 'preact/hooks';
import type { Preset } from '../state/period.ts';
import { intervalsFor } from '../state/period.ts';
import { useApp } from '../ui/context.ts';
import { PERIOD_KEYS } from './periodKeys.ts';

/** Single-key shortcuts, and the dialog that lists them, which `?` opens. */
export function Shortcuts() {
  const { store, t, preferences, editing } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!preferences.hasKeys.value || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
        return;
      const target = event.target as Element | null;
      if (target?.closest('input, textarea, select, dialog, [popover], [contenteditable]')) return;
      if (document.querySelector('dialog[open], [popover]:popover-open')) return;
      const key = event.key.toUpperCase();
      const preset = Object.entries(PERIOD_KEYS).find(([, letter]) => letter === key)?.[0] as
        | Preset
        | undefined;
      if (preset) store.go({ period: preset, custom: null, interval: null });
      else if (key === 'X') store.go({ compare: store.view.peek().compare === 'off' ? 'previous' : 'off' });
      else if (key === 'I') {
        const { range, interval } = store.days.peek();
        const all = intervalsFor(range);
        store.go({ interval: all[(all.indexOf(interval) + 1) % all.length] ?? null });
      } else if (key === 'F') {
        event.preventDefault();
        editing.value = 'new';
      } else if (event.key === '?') dialog.current?.showModal();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [store, preferences, editing]);

  const rows: [string, string][] = [
    [Object.values(PERIOD_KEYS).join(' '), t('keys.period')],
    ['X', t('keys.compare')],
    ['F', t('keys.filter')],
    ['I', t('keys.interval')],
    ['?', t('keys.help')],
  ];
  return (
    <dialog ref={dialog} class="dialog is-small" aria-labelledby="keys-title">
      <h2 id="keys-title">{t('keys.title')}</h2>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit" class="button">
          {t('detail.close')}
        </button>
      </form>
    </dialog>
  );
}
