/** Funnels that the site keeps, those that visits suggest, and the place where the one that is shown is kept. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { createControl, type Kept, mayEdit, type Refusal, roleOn, type Told } from '../api/control.ts';
import { useWords } from '../i18n/parts/below.ts';
import { type Funnel, fromWireFunnel, toWireFunnel, type WireFunnel } from '../state/funnel.ts';
import { useApp } from '../ui/context.ts';
import { refusalText } from '../ui/refusal.ts';

type Named = WireFunnel & { name: string };

type KeptFunnels = {
  kept: Kept<Named>[];
  suggested: { value: Named; visits: number }[];
  /** The kept one that is shown. */
  current: Kept<Named> | undefined;
  isEditor: boolean;
  told: string;
  keep: (name: string, funnel: Funnel) => Promise<void>;
  forget: (one: Kept<Named>) => Promise<void>;
};

export function useKeptFunnels(shown: Funnel | null): KeptFunnels {
  const { store, t } = useApp();
  const w = useWords();
  const control = useMemo(() => createControl(), []);
  const site = store.site.value?.id ?? '';
  const [kept, setKept] = useState<Kept<Named>[]>([]);
  const [suggested, setSuggested] = useState<{ value: Named; visits: number }[]>([]);
  const [isEditor, setEditor] = useState(false);
  const [told, setTold] = useState('');

  async function read(): Promise<void> {
    const [list, me] = await Promise.all([control.list<Named>(site, 'funnels'), control.me()]);
    const may = mayEdit(me.ok ? roleOn(me.value, site) : null);
    setEditor(may);
    setKept(list.ok ? list.value : []);
    const path = control.of(site, 'suggestions');
    const found = may
      ? await control.send<{ funnels: { value: Named; visits: number }[] }>('GET', path)
      : null;
    setSuggested(found?.ok ? found.value.funnels : []);
  }
  // Without a log-in there is nothing kept, and the panel does without.
  useEffect(() => {
    setTold('');
    void read();
  }, [site]);

  const say = async (answer: Told<unknown>, done: string) => {
    setTold(answer.ok ? done : refusalText((answer as { refusal: Refusal }).refusal, t));
    await read();
  };
  const text = shown ? JSON.stringify(toWireFunnel(shown)) : '';
  const current = kept.find(({ value }) => {
    const funnel = fromWireFunnel(value);
    return funnel !== null && JSON.stringify(toWireFunnel(funnel)) === text;
  });
  return {
    kept,
    suggested,
    current,
    isEditor,
    told,
    keep: async (name, funnel) =>
      say(await control.add(site, 'funnels', { name, ...toWireFunnel(funnel) }), w('funnel.kept', { name })),
    forget: async (one) =>
      say(await control.remove(site, 'funnels', one), w('funnel.forgotten', { name: one.value.name })),
  };
}

/** Which one to show. */
export function KeptPicker(props: {
  of: KeptFunnels;
  shown: Funnel | null;
  onPick: (funnel: Funnel) => void;
}) {
  const w = useWords();
  const { kept, suggested, current } = props.of;
  return (
    <>
      {kept.length > 0 && (
        <label class="below-pick">
          <span class="sr">{w('funnel.saved')}</span>
          <select
            value={current ? String(current.id) : ''}
            data-testid="kept-funnels"
            onChange={(event) => {
              const picked = kept.find(({ id }) => String(id) === event.currentTarget.value);
              const funnel = picked && fromWireFunnel(picked.value);
              if (funnel) props.onPick(funnel);
            }}
          >
            <option value="">{w('funnel.pick')}</option>
            {kept.map(({ id, value }) => {
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
      {suggested.length > 0 && kept.length === 0 && !props.shown && (
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

/** Keeps the one that is shown, or lets go of it. */
export function KeepForm({ of, shown }: { of: KeptFunnels; shown: Funnel | null }) {
  const w = useWords();
  const { current, isEditor, told } = of;
  return (
    <>
      {isEditor && shown && !current && (
        <form
          class="funnel-rules funnel-keep"
          onSubmit={(event) => {
            event.preventDefault();
            const name = String(new FormData(event.currentTarget).get('name')).trim();
            if (name) void of.keep(name, shown);
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
        <div class="funnel-keep">
          <button type="button" class="button is-quiet" onClick={() => void of.forget(current)}>
            {w('funnel.forget', { name: current.value.name })}
          </button>
        </div>
      )}
      <p class="below-note" role="status">
        {told}
      </p>
    </>
  );
}
