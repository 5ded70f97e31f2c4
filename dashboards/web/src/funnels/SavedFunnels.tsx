/** The funnels that a site has saved, suggestions from its visits, and the form that saves one. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import {
  type ControlAnswer,
  createControl,
  mayEdit,
  type Refusal,
  roleOn,
  type SiteObject,
} from '../api/control.ts';
import { type Funnel, fromWireFunnel, toWireFunnel, type WireSavedFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';
import { useTexts } from './texts.ts';

type SavedFunnels = {
  saved: SiteObject<WireSavedFunnel>[];
  suggested: { value: WireSavedFunnel; visits: number }[];
  /** The saved funnel that is shown now. */
  current: SiteObject<WireSavedFunnel> | undefined;
  isEditor: boolean;
  /** The outcome of the last change. */
  message: string;
  save: (name: string, funnel: Funnel) => Promise<void>;
  remove: (one: SiteObject<WireSavedFunnel>) => Promise<void>;
};

export function useSavedFunnels(shown: Funnel | null): SavedFunnels {
  const { store, t } = useApp();
  const w = useTexts();
  const control = useMemo(() => createControl(), []);
  const site = store.site.value?.id ?? '';
  const [saved, setSaved] = useState<SiteObject<WireSavedFunnel>[]>([]);
  const [suggested, setSuggested] = useState<{ value: WireSavedFunnel; visits: number }[]>([]);
  const [isEditor, setEditor] = useState(false);
  const [message, setMessage] = useState('');

  async function read(): Promise<void> {
    const [list, me] = await Promise.all([control.list<WireSavedFunnel>(site, 'funnels'), control.me()]);
    const may = mayEdit(me.ok ? roleOn(me.value, site) : null);
    setEditor(may);
    setSaved(list.ok ? list.value : []);
    const path = control.of(site, 'suggestions');
    const found = may
      ? await control.send<{ funnels: { value: WireSavedFunnel; visits: number }[] }>('GET', path)
      : null;
    setSuggested(found?.ok ? found.value.funnels : []);
  }
  // Without a log-in the list is empty and the panel works without it.
  useEffect(() => {
    setMessage('');
    void read();
  }, [site]);

  const showOutcome = async (answer: ControlAnswer<unknown>, done: string) => {
    setMessage(answer.ok ? done : refusalText((answer as { refusal: Refusal }).refusal, t));
    await read();
  };
  const text = shown ? JSON.stringify(toWireFunnel(shown)) : '';
  const current = saved.find(({ value }) => {
    const funnel = fromWireFunnel(value);
    return funnel !== null && JSON.stringify(toWireFunnel(funnel)) === text;
  });
  return {
    saved,
    suggested,
    current,
    isEditor,
    message,
    save: async (name, funnel) =>
      showOutcome(
        await control.add(site, 'funnels', { name, ...toWireFunnel(funnel) }),
        w('funnel.savedAs', { name }),
      ),
    remove: async (one) =>
      showOutcome(await control.remove(site, 'funnels', one), w('funnel.removed', { name: one.value.name })),
  };
}

/** Chooses a saved or suggested funnel. */
export function SavedFunnelPicker(props: {
  of: SavedFunnels;
  shown: Funnel | null;
  onPick: (funnel: Funnel) => void;
}) {
  const w = useTexts();
  const { saved, suggested, current } = props.of;
  return (
    <>
      {saved.length > 0 && (
        <label class="lower-pick">
          <span class="sr">{w('funnel.saved')}</span>
          <select
            value={current ? String(current.id) : ''}
            data-testid="saved-funnels"
            onChange={(event) => {
              const picked = saved.find(({ id }) => String(id) === event.currentTarget.value);
              const funnel = picked && fromWireFunnel(picked.value);
              if (funnel) props.onPick(funnel);
            }}
          >
            <option value="">{w('funnel.pick')}</option>
            {saved.map(({ id, value }) => {
              const isShowable = fromWireFunnel(value) !== null;
              return (
                <option key={id} value={id} disabled={!isShowable}>
                  {isShowable ? value.name : w('funnel.notHere', { name: value.name })}
                </option>
              );
            })}
          </select>
        </label>
      )}
      {suggested.length > 0 && saved.length === 0 && !props.shown && (
        <div class="funnel-suggested" role="group" aria-label={w('funnel.suggested')}>
          {suggested.map(({ value }) => {
            const funnel = fromWireFunnel(value);
            return (
              funnel && (
                <button key={value.name} type="button" class="mover" onClick={() => props.onPick(funnel)}>
                  <span class="mover-name">{value.name}</span>
                </button>
              )
            );
          })}
        </div>
      )}
    </>
  );
}

/** Saves the funnel that is shown, or removes it. */
export function SaveFunnelForm({ of, shown }: { of: SavedFunnels; shown: Funnel | null }) {
  const w = useTexts();
  const { current, isEditor, message } = of;
  return (
    <>
      {isEditor && shown && !current && (
        <form
          class="funnel-rules funnel-save"
          onSubmit={(event) => {
            event.preventDefault();
            const name = String(new FormData(event.currentTarget).get('name')).trim();
            if (name) void of.save(name, shown);
          }}
        >
          <label>
            <span class="muted">{w('funnel.name')}</span>
            <input name="name" required maxLength={64} autocomplete="off" />
          </label>
          <button type="submit" class="button">
            {w('funnel.save')}
          </button>
        </form>
      )}
      {isEditor && current && (
        <div class="funnel-save">
          <button type="button" class="button is-quiet" onClick={() => void of.remove(current)}>
            {w('funnel.removeSaved', { name: current.value.name })}
          </button>
        </div>
      )}
      <p class="lower-note" role="status">
        {message}
      </p>
    </>
  );
}
