/** What people manage, in the place of the numbers: a list of sections and the one that is open, both in the address. */
import './manage.css';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { createControl, type Me, type Role, roleOn, type Told } from '../api/control.ts';
import { SECTIONS, type Section, writeAddress } from '../state/address.ts';
import { useApp } from '../ui/context.ts';
import { signInAddress } from '../ui/Failure.tsx';
import { refusalText } from '../ui/refusal.ts';
import { useLoadedWords } from '../ui/useLoadedWords.ts';
import { Account } from './Account.tsx';
import { ManageContext, type Manage as Shared, WORDS } from './context.ts';
import { Letters } from './Emails.tsx';
import { Filters } from './Filters.tsx';
import { Funnels } from './Funnels.tsx';
import { Goals } from './Goals.tsx';
import { Keys } from './Keys.tsx';
import { Links } from './Links.tsx';
import { Notes } from './Notes.tsx';
import { People } from './People.tsx';

const PARTS = {
  goals: Goals,
  funnels: Funnels,
  notes: Notes,
  filters: Filters,
  letters: Letters,
  people: People,
  keys: Keys,
  links: Links,
  account: Account,
} satisfies Record<Section, () => unknown>;
/** What only owners of the site open. */
const OF_OWNERS: readonly Section[] = ['people', 'keys', 'links'];

const isShown = (section: Section, role: Role | null): boolean =>
  role === 'owner' || (role !== null && !OF_OWNERS.includes(section)) || section === 'account';

export function Manage({ section }: { section: Section }) {
  const { store, t } = useApp();
  const w = useLoadedWords(WORDS);
  const control = useMemo(() => createControl(), []);
  const [me, setMe] = useState<Told<Me> | null>(null);
  const [told, setTold] = useState('');
  const isSpoilt = useRef(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const site = store.site.value?.id ?? '';

  const read = async () => setMe(await control.me());
  useEffect(() => void read(), [control]);
  // Whoever comes by keyboard or screen reader starts at the section's name.
  const isReady = me !== null && w !== null;
  useLayoutEffect(() => {
    setTold('');
    if (isReady) heading.current?.focus();
  }, [section, isReady]);
  // The numbers were drawn with goals and notes that are others by now.
  useEffect(
    () => () => {
      if (isSpoilt.current) location.assign(writeAddress({ ...store.view.peek(), manage: null }) || '/');
    },
    [store],
  );

  if (!w || me === null) return <div class="card notice-card" aria-busy="true" />;
  const back = (
    <button type="button" class="button" onClick={() => store.go({ manage: null })}>
      {w('back')}
    </button>
  );
  if (!me.ok) {
    return (
      <section class="card notice-card" role="alert">
        <p>{refusalText(me.refusal, t)}</p>
        {me.refusal.status === 401 ? (
          <a class="button is-main" href={signInAddress()}>
            {t('error.signIn')}
          </a>
        ) : (
          <button type="button" class="button is-main" onClick={() => void read()}>
            {t('error.retry')}
          </button>
        )}
        {back}
      </section>
    );
  }
  const role = roleOn(me.value, site);
  const shared: Shared = {
    control,
    site,
    me: me.value,
    role,
    w,
    tell: setTold,
    toHeading: () => heading.current?.focus(),
    spoil: () => {
      isSpoilt.current = true;
    },
  };
  const Part = PARTS[section];
  const hint = w(`hint.${section}`, { name: me.value.name });
  return (
    <ManageContext.Provider value={shared}>
      <div class="manage" data-testid="manage">
        <div class="manage-head">
          <h1>{w('title', { site })}</h1>
          {back}
        </div>
        <nav class="manage-nav" aria-label={w('sections')}>
          {SECTIONS.filter((one) => isShown(one, role)).map((one) => (
            <a
              key={one}
              href={writeAddress({ ...store.view.value, manage: one })}
              aria-current={one === section ? 'page' : undefined}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                store.go({ manage: one });
              }}
            >
              {w(`section.${one}`)}
            </a>
          ))}
        </nav>
        <section class="card manage-section" aria-labelledby="manage-section">
          <h2 id="manage-section" ref={heading} tabIndex={-1}>
            {w(`section.${section}`)}
          </h2>
          <p class="muted">{hint}</p>
          <p class="manage-told" role="status">
            {told}
          </p>
          {isShown(section, role) ? <Part key={`${site} ${section}`} /> : <p class="muted">{w('denied')}</p>}
        </section>
      </div>
    </ManageContext.Provider>
  );
}
