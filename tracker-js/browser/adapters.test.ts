import { describe, expect, it } from 'vitest';
import { names, useWorld, wait } from './harness/scenario';

const world = useWorld(20);

/**
 * A consent manager as its adapter sees it: not loaded yet, without a choice although its default
 * is a yes, and with the visitor's choice.
 */
interface Manager {
  readonly stub: string;
  readonly undecided: string;
  readonly yes: string;
  readonly no: string;
}
const TC =
  '{ gdprApplies: true, isServiceSpecific: true, publisher: { consents: { 1: YES, 8: YES } }, eventStatus: STATUS }';
const tc = (yes: boolean, status: string) => TC.replaceAll('YES', `${yes}`).replace('STATUS', `'${status}'`);
const gpp = (yes: boolean, status: string) =>
  `listener({ pingData: { signalStatus: '${status}', applicableSections: [2], parsedSections: { tcfeuv2: { PublisherConsents: Array(24).fill(${yes}) } } } }, true)`;
const MANAGERS: { readonly [adapter: string]: Manager } = {
  tcf: {
    stub: 'queue = []; __tcfapi = (...args) => { queue.push(args) }',
    undecided: `for (const [, , listen] of queue) (listener = listen)(${tc(true, 'cmpuishown')}, true)`,
    yes: `listener(${tc(true, 'useractioncomplete')}, true)`,
    no: `listener(${tc(false, 'useractioncomplete')}, true)`,
  },
  gpp: {
    stub: 'queue = []; __gpp = (...args) => { queue.push(args) }',
    undecided: `for (const [, listen] of queue) listener = listen; ${gpp(true, 'not ready')}`,
    yes: gpp(true, 'ready'),
    no: gpp(false, 'ready'),
  },
  'consent-mode': {
    stub: 'dataLayer = []; function gtag() { dataLayer.push(arguments) }',
    undecided: "gtag('consent', 'default', { analytics_storage: 'granted' })",
    yes: "gtag('consent', 'update', { analytics_storage: 'granted' })",
    no: "gtag('consent', 'update', { analytics_storage: 'denied' })",
  },
  cookiebot: {
    stub: 'Cookiebot = {}',
    undecided:
      "Cookiebot = { hasResponse: true, consent: { method: 'implied', statistics: true } }; dispatchEvent(new Event('CookiebotOnAccept'))",
    yes: "Cookiebot.consent = { method: 'explicit', statistics: true }; dispatchEvent(new Event('CookiebotOnAccept'))",
    no: "Cookiebot.consent = { method: 'explicit', statistics: false }; dispatchEvent(new Event('CookiebotOnDecline'))",
  },
  onetrust: {
    stub: 'OneTrust = {}',
    undecided:
      "isClosed = false; OneTrust = { IsAlertBoxClosed: () => isClosed }; OnetrustActiveGroups = ',C0001,C0002,'; dispatchEvent(new Event('OneTrustGroupsUpdated'))",
    yes: "isClosed = true; dispatchEvent(new Event('OneTrustGroupsUpdated'))",
    no: "OnetrustActiveGroups = ',C0001,'; dispatchEvent(new Event('OneTrustGroupsUpdated'))",
  },
  klaro: {
    stub: 'klaro = {}',
    undecided:
      "state = true; watchers = []; manager = { confirmed: false, getConsent: () => state, watch: (watcher) => watchers.push(watcher) }; klaro.getManager = () => manager; setTimeout(() => watchers[0].update(manager, 'consents', {}), 200)",
    yes: "manager.confirmed = true; watchers[0].update(manager, 'saveConsents', {})",
    no: "state = false; watchers[0].update(manager, 'saveConsents', {})",
  },
  osano: {
    stub: 'Osano = function () {}',
    undecided:
      "listeners = {}; Osano.cm = { addEventListener: (type, listener) => { listeners[type] = listener } }; setTimeout(() => listeners['osano-cm-consent-changed']?.({ ANALYTICS: 'ACCEPT' }), 200)",
    yes: "listeners['osano-cm-consent-saved']({ ANALYTICS: 'ACCEPT' })",
    no: "listeners['osano-cm-consent-saved']({ ANALYTICS: 'DENY' })",
  },
  'wp-consent-api': {
    stub: 'wp_has_consent = () => true',
    undecided: "wp_consent_type = 'optin'; document.dispatchEvent(new Event('wp_consent_type_defined'))",
    yes: "document.cookie = 'wp_consent_statistics=allow'; document.dispatchEvent(new CustomEvent('wp_listen_for_consent_change', { detail: Object.assign([], { statistics: 'allow' }) }))",
    no: "document.cookie = 'wp_consent_statistics=; max-age=0'; document.dispatchEvent(new CustomEvent('wp_listen_for_consent_change', { detail: Object.assign([], { statistics: 'deny' }) }))",
  },
};

describe('11 consent by an adapter', () => {
  it.each(Object.entries(MANAGERS))(
    '%s: a stub and a default send nothing, a yes does, a no withdraws it',
    async (adapter, { stub, undecided, yes, no }) => {
      const test = world.scenario();
      const script = `<script src="${world.site.origin('stats.test')}/consent/${adapter}.js"></script>`;
      const html = test.html(script, { isGranted: false, attributes: { 'data-consent': 'wait' } });
      const page = await world.open(test.put(`<!doctype html><script>${stub}</script>${html}`));
      await page.evaluate("sillage('A')");
      await wait(300);
      expect(test.requests()).toEqual([]);
      await page.evaluate(undecided);
      await wait(500);
      expect(test.requests()).toEqual([]);
      await page.evaluate(yes);
      expect(names(await test.stored(2)).sort()).toEqual(['A', 'pageview']);
      await page.evaluate(no);
      await page.evaluate("sillage('B'); history.pushState({}, '', '?b')");
      await page.close();
      await wait(300);
      expect(
        test
          .requests()
          .map(({ body }) => JSON.parse(body))
          .map(({ n, c }) => [n, c]),
      ).toEqual([
        ['pageview', 1],
        ['A', 1],
        ['consent', 0],
      ]);
      expect(names(await test.stored(2)).sort()).toEqual(['A', 'pageview']);
    },
  );
});
