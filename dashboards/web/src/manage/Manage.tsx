/**
 * The pages on which people manage goals, filters, accounts and the like. The address names the
 * section.
 */
import './manage.css';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type ControlAnswer, createControl, type Me, type Role, roleOn } from '../api/control.ts';
import { SECTIONS, type Section, writeAddress } from '../state/address.ts';
import { useApp } from '../ui/context.ts';
import { logInAddress } from '../ui/Failure.tsx';
import { refusalText } from '../ui/refusal.ts';
import { Account } from './Account.tsx';
import { ManageContext, type Manage as Shared } from './context.ts';
import { Emails } from './Emails.tsx';
import { Filters } from './Filters.tsx';
import { Funnels } from './Funnels.tsx';
import { Goals } from './Goals.tsx';
import { Keys } from './Keys.tsx';
import { Links } from './Links.tsx';
import { Notes } from './Notes.tsx';
import { People } from './People.tsx';
import { ManageTexts, useTexts } from './texts.ts';

const PARTS = {
  goals: Goals,
  funnels: Funnels,
  notes: Notes,
  filters: Filters,
  letters: Emails,
  people: People,
  keys: Keys,
  links: Links,
  account: Account,
} satisfies Record<Section, () => unknown>;
/** Sections for owners of the site only. */
const OWNER_SECTIONS: readonly Section[] = ['people', 'keys', 'links'];

const isShown = (section: Section, role: Role | null): boolean =>
  role === 'owner' || (role !== null && !OWNER_SECTIONS.includes(section)) || section === 'account';

export function Manage(props: { section: Section }) {
  const loading = <div class="card notice-card" aria-busy="true" />;
  return (
    <ManageTexts loading={loading}>
      <Sections {...props} />
    </ManageTexts>
  );
}

function Sections({ section }: { section: Section }) {
  const { store, t } = useApp();
  const w = useTexts();
  const control = useMemo(() => createControl(), []);
  const [me, setMe] = useState<ControlAnswer<Me> | null>(null);
  const [message, setMessage] = useState('');
  const areNumbersStale = useRef(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const site = store.site.value?.id ?? '';

  const read = async () => setMe(await control.me());
  useEffect(() => void read(), [control]);
  // Keyboard and screen reader start at the section's heading.
  const isReady = me !== null;
  useLayoutEffect(() => {
    setMessage('');
    if (isReady) heading.current?.focus();
  }, [section, isReady]);
  // Goals or notes were changed: leaving loads the dashboard anew, because it holds the old ones.
  useEffect(
    () => () => {
      if (areNumbersStale.current)
        location.assign(writeAddress({ ...store.view.peek(), manage: null }) || '/');
    },
    [store],
  );

  if (me === null) return <div class="card notice-card" aria-busy="true" />;
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
          <a class="button is-main" href={logInAddress()}>
            {t('error.logIn')}
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
    announce: setMessage,
    focusHeading: () => heading.current?.focus(),
    markNumbersStale: () => {
      areNumbersStale.current = true;
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
          <p class="manage-message" role="status">
            {message}
          </p>
          {isShown(section, role) ? <Part key={`${site} ${section}`} /> : <p class="muted">{w('denied')}</p>}
        </section>
      </div>
    </ManageContext.Provider>
  );
}
