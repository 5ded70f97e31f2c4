import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usePage } from '../testing/page';
import { createTeller, LOOK_INTERVAL_MS, LOOKS_MAX, RELOAD_MS } from './choice';
import { readEntry, startConsentMode, watchLayer } from './consent-mode';
import { type Cookiebot, startCookiebot } from './cookiebot';
import { type GppApi, type GppEvent, startGpp } from './gpp';
import { type KlaroManager, startKlaro } from './klaro';
import { startOneTrust } from './onetrust';
import { type OsanoConsent, startOsano } from './osano';
import { startTcf, type TcData, type TcfApi } from './tcf';
import { startWp } from './wp-consent-api';

/** What the adapters pass on, in order. A waiting tracker receives it. */
const told: (boolean | 'wait')[] = [];
const page = usePage();
const globals = window as unknown as Record<string, unknown>;
const sent = () => page.sent.map(({ n }) => n);

beforeEach(() => {
  told.length = 0;
  for (const name of [
    '__tcfapi',
    '__gpp',
    'dataLayer',
    'Cookiebot',
    'OneTrust',
    'OnetrustActiveGroups',
    'klaro',
    'Osano',
    'sillageChoices',
  ]) {
    delete globals[name];
  }
  delete globals.wp_consent_type;
  for (const name of ['statistics', 'statistics-anonymous']) document.cookie = `wp_consent_${name}=; max-age=0`;
  const sillage = page.start({ consent: 'wait' });
  globals.sillage = (name: 'consent', granted: boolean | 'wait') => {
    told.push(granted);
    sillage(name, granted);
  };
});

describe('the teller', () => {
  it('passes on a choice once', () => {
    const tell = createTeller();
    tell(true);
    tell(true);
    tell(false);
    tell(false);
    expect(told).toEqual([true, false]);
  });

  it('passes nothing before a choice, and revokes a grant that disappears', () => {
    const tell = createTeller();
    tell(undefined);
    expect(told).toEqual([]);
    tell(true);
    tell(undefined);
    expect(told).toEqual([true, false]);
  });

  it('queues the choice for a tracker that loads later', () => {
    const later: { sillage?: ((name: 'consent', granted: boolean | 'wait') => void) & { q?: unknown[][] } } = {};
    createTeller(later)(true);
    expect(later.sillage?.q).toEqual([['consent', true]]);
  });
});

describe('a page that reloads', () => {
  const HERE = () => ({ url: location.href, sameDocument: false });
  let navigation: EventTarget;
  beforeEach(() => {
    navigation = new EventTarget();
    vi.stubGlobal('navigation', navigation);
  });
  afterEach(() => vi.unstubAllGlobals());
  const navigate = (destination: object, userInitiated = false) =>
    navigation.dispatchEvent(
      Object.assign(new Event('navigate'), { destination: { ...HERE(), ...destination }, userInitiated }),
    );

  it('by itself sends nothing more, not even a no', () => {
    createTeller()(true);
    createTeller()(true);
    vi.advanceTimersByTime(2000);
    navigate({ url: `${location.href}#top` });
    page.hide();
    expect(told.filter((word) => word === 'wait')).toHaveLength(1);
    expect(sent()).toEqual(['pageview']);
    expect(page.left()).toEqual([]);
  });

  it('without a choice sends nothing more either', () => {
    createTeller()(undefined);
    navigate({});
    vi.advanceTimersByTime(2 * RELOAD_MS);
    expect(told).toEqual(['wait']);
  });

  it('and stays after all gets its choice again', () => {
    createTeller()(true);
    navigate({});
    expect(told).toEqual([true, 'wait']);
    vi.advanceTimersByTime(RELOAD_MS);
    expect(told).toEqual([true, 'wait', true]);
  });

  it.each<[string, object, boolean]>([
    ['the visitor reloads', {}, true],
    ['it leads elsewhere', { url: 'https://example.com/elsewhere' }, false],
    ['its router writes the same address', { sameDocument: true }, false],
  ])('is measured to its end when %s', (_what, destination, isVisitor) => {
    createTeller()(true);
    vi.advanceTimersByTime(2000);
    navigate(destination, isVisitor);
    page.hide();
    expect(told).toEqual([true]);
    expect(sent()).toEqual(['pageview', 'engagement']);
  });
});

describe('two adapters on a page', () => {
  it('grant only together: one no is a no, one without a choice is none', () => {
    const [first, second] = [createTeller(), createTeller()];
    first(true);
    expect(told).toEqual([]);
    second(false);
    first(true);
    expect(told).toEqual([false]);
    second(true);
    expect(told).toEqual([false, true]);
    second(undefined);
    expect(told).toEqual([false, true, false]);
  });

  it('wait for one whose consent manager never loads', () => {
    vi.useFakeTimers();
    startTcf();
    globals.Cookiebot = { hasResponse: true, consent: { method: 'explicit', statistics: true } };
    startCookiebot();
    vi.advanceTimersByTime(LOOK_INTERVAL_MS * (LOOKS_MAX + 1));
    expect(told).toEqual([]);
    vi.useRealTimers();
  });
});

describe('TCF', () => {
  let listener: Parameters<TcfApi>[2] = () => {};
  const yes = { 1: true, 8: true };
  const chosen: TcData = {
    eventStatus: 'useractioncomplete',
    gdprApplies: true,
    isServiceSpecific: true,
    purposeOneTreatment: false,
    publisher: { consents: yes },
    purpose: { consents: {} },
  };
  const startWith = (first: TcData | null, ok = true) => {
    globals.__tcfapi = ((_command, _version, each) => {
      listener = each;
      listener(first, ok);
    }) satisfies TcfApi;
    startTcf();
  };

  it('grants after the visitor’s choice and not before', () => {
    startWith({ eventStatus: 'cmpuishown', gdprApplies: true, publisher: { consents: yes } });
    expect(sent()).toEqual([]);
    listener(chosen, true);
    expect(told).toEqual([true]);
    expect(sent()).toEqual(['pageview']);
  });

  it('grants at once for a visitor who chose earlier', () => {
    startWith({ ...chosen, eventStatus: 'tcloaded' });
    expect(told).toEqual([true]);
  });

  it('keeps the choice while the dialogue is open, then follows a withdrawal', () => {
    startWith(chosen);
    listener({ ...chosen, eventStatus: 'cmpuishown', publisher: { consents: {} } }, true);
    expect(told).toEqual([true]);
    listener({ ...chosen, publisher: { consents: { 1: true } } }, true);
    expect(told).toEqual([true, false]);
    expect(sent()).toEqual(['pageview', 'consent']);
  });

  it.each<[string, Partial<TcData>]>([
    ['purpose 8 is missing', { publisher: { consents: { 1: true, 7: true, 9: true } } }],
    ['purpose 1 is missing', { publisher: { consents: { 8: true } } }],
    ['purpose 1 was never asked', { purposeOneTreatment: true }],
    ['the string is shared between sites', { isServiceSpecific: false }],
    ['only vendors were given the purposes', { publisher: { consents: {} }, purpose: { consents: yes } }],
  ])('refuses when %s', (_what, change) => {
    startWith({ ...chosen, ...change });
    expect(told).toEqual([false]);
  });

  it('does not count legitimate interest as consent', () => {
    startWith({ ...chosen, publisher: { consents: {}, legitimateInterests: yes } } as TcData);
    expect(told).toEqual([false]);
  });

  it.each<[string, TcData | null, boolean]>([
    ['the GDPR does not apply', { eventStatus: 'tcloaded', gdprApplies: false }, true],
    ['it is not known whether the GDPR applies', { ...chosen, gdprApplies: undefined } as unknown as TcData, true],
    ['the answer failed', chosen, false],
    ['there is no answer', null, true],
    ['the consent manager is in another state', { ...chosen, eventStatus: 'loading' }, true],
    ['only the stub answers', { eventStatus: undefined, cmpStatus: 'stub' } as unknown as TcData, true],
  ])('says nothing when %s', (_what, data, ok) => {
    startWith(data, ok);
    expect(told).toEqual([]);
    expect(sent()).toEqual([]);
  });

  it('reads the vendors’ purposes on request if the publisher’s are absent', () => {
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue({ dataset: { purposes: 'vendors' } } as never);
    startWith({ ...chosen, publisher: {}, purpose: { consents: yes } });
    expect(told).toEqual([true]);
  });

  it('waits for a consent manager that loads late', () => {
    startTcf();
    vi.advanceTimersByTime(5 * LOOK_INTERVAL_MS);
    globals.__tcfapi = ((_command, _version, each) => each(chosen, true)) satisfies TcfApi;
    vi.advanceTimersByTime(LOOK_INTERVAL_MS);
    expect(told).toEqual([true]);
  });

  it('gives up on one that never loads, and nothing was sent', () => {
    startTcf();
    const before = vi.getTimerCount();
    vi.advanceTimersByTime(LOOKS_MAX * LOOK_INTERVAL_MS);
    expect(vi.getTimerCount()).toBe(before - 1);
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
  });
});

describe('GPP', () => {
  let listener: Parameters<GppApi>[1] = () => {};
  const all = Array.from({ length: 24 }, () => true);
  const only = (...purposes: number[]) => all.map((_, index) => purposes.includes(index + 1));
  const event = (sections: object, applicableSections = [2], signalStatus = 'ready'): GppEvent => ({
    eventName: 'signalStatus',
    pingData: { signalStatus, applicableSections, parsedSections: sections as never },
  });
  const europe = (fields: object) => ({ tcfeuv2: { IsServiceSpecific: true, PurposeOneTreatment: false, ...fields } });
  const startWith = (first: GppEvent | null, ok = true) => {
    globals.__gpp = ((_command, each) => {
      listener = each;
      listener(first, ok);
    }) satisfies GppApi;
    startGpp();
  };

  it('waits for the signal to be ready', () => {
    startWith(event(europe({ PublisherConsents: all }), [2], 'not ready'));
    expect(told).toEqual([]);
    listener(event(europe({ PublisherConsents: all })), true);
    expect(told).toEqual([true]);
  });

  it('keeps the choice while not ready, then follows a withdrawal', () => {
    startWith(event(europe({ PublisherConsents: only(1, 8) })));
    listener(event(europe({ PublisherConsents: only() }), [2], 'not ready'), true);
    expect(told).toEqual([true]);
    listener(event(europe({ PublisherConsents: only(1) })), true);
    expect(told).toEqual([true, false]);
  });

  it('reads a section that comes in segments', () => {
    startWith(event({ tcfeuv2: [{ IsServiceSpecific: true }, { PublisherConsents: only(1, 8) }] }));
    expect(told).toEqual([true]);
  });

  it.each([
    ['purpose 8 is missing', { PublisherConsents: only(1, 7, 9) }],
    ['purpose 1 was never asked', { PublisherConsents: all, PurposeOneTreatment: true }],
    ['the string is shared between sites', { PublisherConsents: all, IsServiceSpecific: false }],
    ['only vendors were given the purposes', { PurposeConsents: all }],
  ])('refuses when %s', (_what, fields) => {
    startWith(event(europe(fields)));
    expect(told).toEqual([false]);
  });

  it.each([
    ['sections are not known yet', [-1]],
    ['no section applies', [0]],
  ])('says nothing when %s', (_what, sections) => {
    startWith(event(europe({ PublisherConsents: all }), sections));
    expect(told).toEqual([]);
  });

  it('does not read signals about sale or sharing as a choice', () => {
    startWith(event({ usnat: { SaleOptOut: 2, SharingOptOut: 2, TargetedAdvertisingOptOut: 2 } }, [7]));
    listener(event({ usca: { SaleOptOut: 1 } }, [8]), true);
    expect(told).toEqual([]);
  });

  it('heeds an objection by Global Privacy Control', () => {
    startWith(event({ usnat: [{ SaleOptOut: 2 }, { Gpc: true }] }, [7]));
    expect(told).toEqual([false]);
  });

  it('asks TCF if the page has both', () => {
    globals.__tcfapi = ((_command, _version, each) =>
      each({ eventStatus: 'tcloaded', gdprApplies: true, publisher: { consents: {} } }, true)) satisfies TcfApi;
    startWith(event(europe({ PublisherConsents: all })));
    expect(told).toEqual([false]);
  });
});

describe('Consent Mode', () => {
  const layer: unknown[] = [];
  /** As Google's snippet has it: entries are `arguments`. */
  function gtag(..._args: unknown[]) {
    // biome-ignore lint/complexity/noArguments: this is what the test checks
    (globals.dataLayer as unknown[]).push(arguments);
  }
  beforeEach(() => {
    layer.length = 0;
    globals.dataLayer = [];
  });

  it('does not count a default as a choice, granted or with a region', () => {
    gtag('consent', 'default', { analytics_storage: 'granted', wait_for_update: 500 });
    gtag('consent', 'default', { analytics_storage: 'granted', region: ['US'] });
    startConsentMode();
    gtag('consent', 'default', { analytics_storage: 'granted' });
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
  });

  it('replays an earlier update and follows later ones', () => {
    gtag('consent', 'update', { analytics_storage: 'granted', ad_storage: 'denied' });
    startConsentMode();
    expect(told).toEqual([true]);
    gtag('consent', 'update', { analytics_storage: 'denied' });
    expect(told).toEqual([true, false]);
  });

  it('takes the last update of the first task, so that no cookie is lost', async () => {
    gtag('consent', 'update', { analytics_storage: 'denied' });
    gtag('consent', 'update', { analytics_storage: 'granted' });
    startConsentMode();
    expect(told).toEqual([true]);
    expect(sent()).toEqual(['pageview']);
  });

  it('takes the last update of a later task, and a lone no at once', async () => {
    startConsentMode();
    gtag('consent', 'update', { analytics_storage: 'denied' });
    gtag('consent', 'update', { analytics_storage: 'granted' });
    await page.settle();
    expect(told).toEqual([true]);
    globals.dataLayer = [];
    delete globals.sillageChoices;
    told.length = 0;
    startConsentMode();
    gtag('consent', 'update', { analytics_storage: 'denied' });
    expect(told).toEqual([]);
    await Promise.resolve();
    expect(told).toEqual([false]);
  });

  it('keeps the choice if an update is about advertising only', () => {
    startConsentMode();
    gtag('consent', 'update', { analytics_storage: 'granted' });
    gtag('consent', 'update', { ad_storage: 'denied' });
    expect(told).toEqual([true]);
  });

  it('calls a wrapped push through and returns what it returns', () => {
    const wrapped: unknown[] = [];
    const target: unknown[] = [];
    target.push = (...entries) => wrapped.push(...entries);
    watchLayer(target);
    expect(target.push({ event: 'gtm.js' }, 'x')).toBe(2);
    expect(wrapped).toEqual([{ event: 'gtm.js' }, 'x']);
  });

  it.each([
    [null],
    [undefined],
    ['consent'],
    [{ event: 'x' }],
    [() => {}],
    [['consent', 'update']],
    [['consent', 'update', null]],
  ])('does not count %j as a choice', (entry) => expect(readEntry(entry)).toBeUndefined());
});

describe('Cookiebot', () => {
  const set = (state: Cookiebot) => {
    globals.Cookiebot = state;
  };
  const tellOf = (type: string) => dispatchEvent(new Event(type));

  it('grants after the visitor’s choice', () => {
    set({ hasResponse: false, consent: { statistics: false, method: null } });
    startCookiebot();
    expect(told).toEqual([]);
    set({ hasResponse: true, consent: { statistics: true, method: 'explicit' } });
    tellOf('CookiebotOnAccept');
    expect(told).toEqual([true]);
  });

  it('does not count implied consent', () => {
    set({ hasResponse: true, consent: { statistics: true, method: 'implied' } });
    startCookiebot();
    tellOf('CookiebotOnConsentReady');
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
  });

  it('heeds a refusal and a withdrawal', () => {
    startCookiebot();
    set({ hasResponse: true, consent: { statistics: true, method: 'explicit' } });
    tellOf('CookiebotOnConsentReady');
    set({ hasResponse: true, consent: { statistics: false, method: 'explicit' } });
    tellOf('CookiebotOnDecline');
    expect(told).toEqual([true, false]);
  });

  it('does not count acceptance without an answer', () => {
    set({ hasResponse: false, consent: { statistics: true, method: 'explicit' } });
    startCookiebot();
    expect(told).toEqual([]);
  });
});

describe('OneTrust', () => {
  const set = (groups: string, isClosed: boolean) => {
    globals.OnetrustActiveGroups = groups;
    globals.OneTrust = { IsAlertBoxClosed: () => isClosed };
  };
  const update = () => dispatchEvent(new Event('OneTrustGroupsUpdated'));

  it('ignores categories that are active before the banner is closed', () => {
    set(',C0001,C0002,', false);
    startOneTrust();
    update();
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
    set(',C0001,C0002,', true);
    update();
    expect(told).toEqual([true]);
  });

  it('refuses when the category is left out, and heeds a withdrawal', () => {
    set(',C0001,C0002,', true);
    startOneTrust();
    set(',C0001,', true);
    update();
    expect(told).toEqual([true, false]);
  });

  it('tells categories apart that begin alike', () => {
    set(',C0001,C00021,', true);
    startOneTrust();
    expect(told).toEqual([false]);
  });

  it('waits while OneTrust is half initialised', () => {
    globals.OnetrustActiveGroups = ',C0001,C0002,';
    globals.OneTrust = {};
    startOneTrust();
    expect(told).toEqual([]);
  });

  it('knows a category by another name', () => {
    vi.spyOn(document, 'currentScript', 'get').mockReturnValue({ dataset: { category: 'STATS' } } as never);
    set(',C0001,STATS,', true);
    startOneTrust();
    expect(told).toEqual([true]);
  });
});

describe('Klaro', () => {
  const startWith = (service: { required?: boolean; optOut?: boolean } = {}, isConfirmed = false) => {
    let notify: (name: string) => void = () => {};
    const manager = {
      confirmed: isConfirmed,
      isOn: isConfirmed,
      config: { services: [{ name: 'sillage', ...service }] },
      getConsent: (name: string): boolean => name === 'sillage' && manager.isOn,
      watch: (watcher: Parameters<KlaroManager['watch']>[0]) => {
        notify = (name) => watcher.update(manager, name, {});
      },
    };
    globals.klaro = { getManager: () => manager };
    startKlaro();
    return {
      toggle: (isOn: boolean) => {
        manager.isOn = isOn;
        notify('consents');
      },
      save: () => {
        manager.confirmed = true;
        notify('saveConsents');
        notify('applyConsents');
      },
    };
  };

  it('counts saving as a choice, but not toggling', () => {
    const visitor = startWith();
    visitor.toggle(true);
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
    visitor.save();
    expect(told).toEqual([true]);
  });

  it('keeps the choice during toggling, and follows a saved withdrawal', () => {
    const visitor = startWith({}, true);
    visitor.toggle(false);
    expect(told).toEqual([true]);
    visitor.save();
    expect(told).toEqual([true, false]);
  });

  it.each([[{ required: true }], [{ optOut: true }]])('never counts a service that is %j as granted', (service) => {
    const visitor = startWith(service, true);
    visitor.toggle(true);
    visitor.save();
    expect(told).not.toContain(true);
  });
});

describe('Osano', () => {
  const start = () => {
    const listeners: Record<string, (consent: OsanoConsent) => void> = {};
    globals.Osano = {
      cm: {
        addEventListener: (type: string, listener: (consent: OsanoConsent) => void) => {
          listeners[type] = listener;
        },
        getConsent: () => ({ ANALYTICS: 'ACCEPT' }),
      },
    };
    startOsano();
    return (type: string, ANALYTICS: 'ACCEPT' | 'DENY') => listeners[type]?.({ ANALYTICS });
  };

  it('counts saving as a choice, but not defaults and toggling', () => {
    const happen = start();
    happen('osano-cm-initialized', 'ACCEPT');
    happen('osano-cm-consent-changed', 'ACCEPT');
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
    happen('osano-cm-consent-saved', 'ACCEPT');
    expect(told).toEqual([true]);
  });

  it('heeds a withdrawal', () => {
    const happen = start();
    happen('osano-cm-consent-saved', 'ACCEPT');
    happen('osano-cm-consent-saved', 'DENY');
    expect(told).toEqual([true, false]);
  });

  it('that is blocked grants nothing', () => {
    startOsano();
    vi.advanceTimersByTime(LOOKS_MAX * LOOK_INTERVAL_MS);
    expect(told).toEqual([]);
  });
});

describe('WP Consent API', () => {
  const change = (statistics: string) =>
    document.dispatchEvent(
      new CustomEvent('wp_listen_for_consent_change', { detail: Object.assign([], { statistics }) }),
    );

  it('does not trust an API that says yes by default', () => {
    globals.wp_has_consent = () => true;
    startWp();
    expect(told).toEqual([]);
    globals.wp_consent_type = 'optout';
    document.dispatchEvent(new Event('wp_consent_type_defined'));
    expect(told).toEqual([]);
    expect(page.requests).toEqual([]);
  });

  it('grants by the cookie of an opt-in', () => {
    globals.wp_consent_type = 'optin';
    startWp();
    expect(told).toEqual([]);
    document.cookie = 'wp_consent_statistics=allow';
    change('allow');
    expect(told).toEqual([true]);
  });

  it('does not count the cookie of an opt-out region as a choice', () => {
    globals.wp_consent_type = 'optout';
    document.cookie = 'wp_consent_statistics=allow';
    startWp();
    expect(told).toEqual([]);
  });

  it('heeds a withdrawal, even before its cookie is there', () => {
    globals.wp_consent_type = 'optin';
    document.cookie = 'wp_consent_statistics=allow';
    startWp();
    change('deny');
    expect(told).toEqual([true, false]);
  });

  it('ignores the cookie of anonymous statistics', () => {
    globals.wp_consent_type = 'optin';
    document.cookie = 'wp_consent_statistics-anonymous=allow';
    startWp();
    expect(told).toEqual([]);
  });
});
