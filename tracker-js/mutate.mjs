// Mutation test: removes one guard after another and runs the tests of its file. Each removal must
// make a test fail.
//
// Works on copies of the sources, several at a time. Each copy starts Vitest once and reruns it for
// each guard. Arguments: parts of names, to select guards.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createVitest } from 'vitest/node';

/**
 * Name, file, guard, replacement, and the test file that must fail (default: the one with the same
 * name).
 */
const MUTANTS = [
  ['send nothing after a no', 'tracker', 'if (consent === 0) return;', ''],
  ['hold until seen', 'tracker', '!isSeen || (', '('],
  ['hold until consent', 'tracker', "(option('consent') && !consent)", 'false'],
  ['hold a bounded number', 'tracker', 'held.length < HELD_MAX', 'true'],
  ['leave nothing while held', 'tracker', '!isLeft && held', 'held'],
  ['report only what is new', 'tracker', 'e > reported', 'e >= 0'],
  ['report only a page that was counted', 'tracker', 'page.k && e >', 'e >'],
  ['take back what was left', 'tracker', '      sender.takeBack();\n', ''],
  ['leaving is not reporting', 'tracker', 'if (!isLeft) reported = e;', 'reported = e;'],
  ['no view after a no', 'tracker', 'consent !== 0 &&', ''],
  ['an address counts once', 'tracker', '|| u !== page.u', '|| true'],
  ['a return from the cache counts', 'tracker', 'isNew === 1 ||', ''],
  ['a fresh clock with each view', 'tracker', 'engagement.tick(true);', ''],
  ['fresh figures with each view', 'tracker', 'reported = 0;\n', '\n'],
  ['fresh extra fields with each view', 'tracker', '      call.x = {};\n', ''],
  ['no view before the page is seen', 'tracker', 'isSeen && !option', '!option'],
  ['no view unasked in manual mode', 'tracker', "isSeen && !option('manual')", 'isSeen'],
  ['one view on release', 'tracker', 'if (!page.u) viewUnasked();', ''],
  ['a no forgets what failed and what was left', 'tracker', 'sender.drop();', ''],
  ['a no forgets what is held', 'tracker', '      held = [];\n', ''],
  ['a no forgets the page', 'tracker', '      page = {};\n', ''],
  ['a no is told once a page', 'tracker', '&& consent !== 0) sender', ') sender'],
  ['a suspension is not told', 'tracker', "if (value !== 'wait' && consent", 'if (consent'],
  ['only true is a yes', 'tracker', 'if (value === true)', 'if (value)'],
  [
    'a no is told',
    'tracker',
    "if (value !== 'wait' && consent !== 0) sender.post({ n: name, u: location.origin, c: 0, d: site });",
    '',
  ],
  ['only a persisted page counts again', 'tracker', 'if ((event as PageTransitionEvent)?.persisted)', ''],
  ['a call never throws', 'tracker', 'const call: Sillage = guard(', 'const call: Sillage = ('],
  ['the hook may drop', 'tracker', 'if (beacon) sender.post', 'sender.post'],
  [
    'the pageview comes before earlier calls',
    'tracker',
    'setTimeout(guard(attend));',
    'isSeen = true; setTimeout(guard(attend));',
  ],
  [
    'heed Global Privacy Control',
    'browser',
    "(!option('ignoreGpc') && navigator.globalPrivacyControl) ||",
    '',
    'tracker',
  ],
  ['heed Do Not Track when asked', 'browser', "navigator.doNotTrack === '1'", 'false', 'tracker'],
  ['Do Not Track only when asked', 'browser', "option('dnt') && ", '', 'tracker'],
  ['skip driven browsers', 'browser', "(!option('automated') && navigator.webdriver) ||", '', 'tracker'],
  ['heed the visitor’s mark', 'browser', 'localStorage.sillage_ignore', 'undefined', 'tracker'],
  ['survive closed storage', 'browser', 'isRefused = guard(', 'isRefused = (', 'tracker'],
  ['wait for a prerendered page', 'browser', '&& !document.prerendering', '', 'tracker'],
  ['time counts with the focus only', 'browser', '&& document.hasFocus()', '', 'tracker'],
  ['cut referrers', 'browser', ".split('/', 3).join('/')", '', 'tracker'],
  ['retry a bounded number', 'send', 'queue.length < RETRIES_MAX', 'true'],
  ['retry what is refused for overload', 'send', 'response.status > 428', 'false'],
  ['retry what comes too fast', 'send', '> 428', '> 499'],
  ['retry what failed', 'send', 'repost()), keep)', 'repost()), () => {})'],
  ['sendBeacon when fetch throws', 'send', 'if (!isLeft) navigator.sendBeacon(endpoint, body);', ''],
  ['no beacon instead of fetchLater', 'send', 'if (!isLeft) navigator', 'navigator', 'tracker'],
  ['what fails after a no is forgotten', 'send', '      failed = [];\n', '      failed.length = 0;\n', 'tracker'],
  ['credentials', 'send', "credentials: 'include',", '', 'tracker'],
  ['outlive the page', 'send', 'keepalive: true', '', 'tracker'],
  ['parameters are allowed by name', 'payload', 'if (!allowed.test(key))', 'if (false)'],
  ['allowed names are whole names', 'payload', "'ref'})$`", "'ref'})`"],
  ['no parameter is named undefined', 'payload', " || 'ref'}", '}'],
  ['cut fragments', 'payload', '.split(/[?&=]/, 1)', ''],
  ['fragments in hash mode only', 'payload', "option('hash') ?", 'true ?'],
  ['the right button opens nothing', 'clicks', 'if ((event as MouseEvent).button > 1) return;', ''],
  ['links of the web only', 'clicks', 'if (url) {', '{'],
  ['addresses of the web only', 'payload', 'if (/^https?:/.test(url.href)) ', ''],
  ['links inside the site', 'clicks', 'url.host !== location.host', 'true'],
  ['forms count when sent', 'clicks', "if (isForm === (event.type === 'submit'))", 'if (true)'],
  ['a named event replaces the automatic one', 'clicks', 'else if (isForm)', 'if (isForm)'],
  ['the lowest line is kept', 'engagement', 'Math.max(bottom, viewBottom())', 'viewBottom()'],
  ['all of the page is the most', 'engagement', 'Math.min(100, ', '('],
  ['the API is told from an element', 'navigation', '?.currentEntry', '', 'tracker'],
  ['the API before patching', 'navigation', 'if (window.navigation?.currentEntry)', 'if (false)', 'tracker'],
  ['adapters: a reload ends all', 'consent/choice', "page.sillage?.('consent', 'wait');", '', 'consent/consent'],
  ['adapters: by the page itself', 'consent/choice', 'userInitiated || ', '', 'consent/consent'],
  ['adapters: the page, not its router', 'consent/choice', 'destination.sameDocument || ', '', 'consent/consent'],
  ['adapters: to the same address', 'consent/choice', ' || !isReload', '', 'consent/consent'],
  ['a version is text', 'module', "typeof config.policy === 'number'", 'false'],
  ['adapters: any no is a no', 'consent/choice', 'choices.each.includes(false) ? false : ', '', 'consent/consent'],
  [
    'adapters: all have to say yes',
    'consent/choice',
    'choices.each.includes(undefined) ? undefined : ',
    '',
    'consent/consent',
  ],
  [
    'TCF: the dialogue is open',
    'consent/tcf',
    "if (data.eventStatus === 'cmpuishown') return current;",
    '',
    'consent/consent',
  ],
  [
    'TCF: only final states',
    'consent/tcf',
    "if (data.eventStatus !== 'tcloaded' && data.eventStatus !== 'useractioncomplete') return undefined;",
    '',
    'consent/consent',
  ],
  [
    'TCF: where the GDPR applies',
    'consent/tcf',
    'if (data.gdprApplies !== true) return undefined;',
    '',
    'consent/consent',
  ],
  ['TCF: shared strings', 'consent/tcf', 'data.isServiceSpecific === false || ', '', 'consent/consent'],
  ['TCF: purpose one treatment', 'consent/tcf', ' || data.purposeOneTreatment === true', '', 'consent/consent'],
  ['TCF: purpose 1', 'consent/tcf', 'consents?.[1] && consents[8]', 'consents?.[8]', 'consent/consent'],
  ['TCF: purpose 8', 'consent/tcf', ' && consents[8]', '', 'consent/consent'],
  ['TCF: vendors only when asked', 'consent/tcf', 'isVendorsRead && !(own', '!(own', 'consent/consent'],
  ['TCF: failed answers', 'consent/tcf', 'if (!ok || !data)', 'if (!data)', 'consent/consent'],
  ['GPP: ready only', 'consent/gpp', "if (ping.signalStatus !== 'ready') return current;", '', 'consent/consent'],
  [
    'GPP: applicable sections',
    'consent/gpp',
    'if (!applicable.includes(TCF_EU_V2)) return undefined;',
    '',
    'consent/consent',
  ],
  [
    'GPP: prefer TCF',
    'consent/gpp',
    'if (page.__tcfapi) watchTcf',
    'if (!page.__gpp && page.__tcfapi) watchTcf',
    'consent/consent',
  ],
  ['Consent Mode: updates only', 'consent/consent-mode', " || action !== 'update'", '', 'consent/consent'],
  [
    'Consent Mode: other updates',
    'consent/consent-mode',
    ' ?? latest;\n    if (isFirst',
    ';\n    if (isFirst',
    'consent/consent',
  ],
  [
    'Consent Mode: the last of a task',
    'consent/consent-mode',
    'if (isFirst && !latest)',
    'if (false)',
    'consent/consent',
  ],
  ['Cookiebot: an answer', 'consent/cookiebot', 'cookiebot?.hasResponse && ', '', 'consent/consent'],
  [
    'Cookiebot: explicit',
    'consent/cookiebot',
    "cookiebot.consent?.method === 'explicit'",
    'cookiebot.consent',
    'consent/consent',
  ],
  ['OneTrust: the banner is closed', 'consent/onetrust', 'banner.IsAlertBoxClosed() ?', 'true ?', 'consent/consent'],
  [
    'OneTrust: whole categories',
    'consent/onetrust',
    "groups.split(',').includes",
    'groups.includes',
    'consent/consent',
  ],
  ['Klaro: saved only', 'consent/klaro', "if (name === 'saveConsents') ", '', 'consent/consent'],
  ['Klaro: confirmed only', 'consent/klaro', 'if (!manager.confirmed) return undefined;', '', 'consent/consent'],
  ['Klaro: services that are fixed', 'consent/klaro', '!isFixed && ', '', 'consent/consent'],
  [
    'WP: opt-in only',
    'consent/wp-consent-api',
    "if (!page.wp_consent_type?.includes('optin')) return undefined;",
    '',
    'consent/consent',
  ],
  ['cells: not in fields', 'extra/cells', ' || isInField(event)', ''],
  ['cells: not by keyboard', 'extra/cells', 'event.detail === 0 || ', ''],
  ['cells: not beyond the grid', 'extra/cells', ' && cell <= CELL_LAST', ''],
];

const chosen = process.argv.slice(2);
const mutants = MUTANTS.filter(([name]) => !chosen.length || chosen.some((part) => name.includes(part)));
const survivors = [];

/** Processes mutants one after another, in a separate copy. */
const work = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sillage-mutants-'));
  /** Test files that this copy has run. */
  const tried = new Set();
  let vitest;
  try {
    for (const name of ['src', 'vitest.config.ts', 'package.json', 'tsconfig.json']) {
      await cp(name, join(directory, name), { recursive: true });
    }
    await symlink(resolve('node_modules'), join(directory, 'node_modules'));
    const options = {
      root: directory,
      config: join(directory, 'vitest.config.ts'),
      watch: false,

      silent: true,
    };
    vitest = await createVitest('test', { ...options, reporters: [{}] });
    /** True when all tests of a file pass. A file that cannot be loaded fails. */
    const passes = async (tests) => {
      vitest.state.clearErrors();
      const specifications = await vitest.globTestSpecifications([`src/${tests}.test.ts`]);
      const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
      // The list holds the files of earlier runs too.
      const module = testModules.find(({ moduleId }) => moduleId === join(directory, 'src', `${tests}.test.ts`));
      return Boolean(module?.ok()) && !unhandledErrors.length;
    };
    for (let mutant = mutants.shift(); mutant; mutant = mutants.shift()) {
      const [name, file, guard, replacement, tests = file] = mutant;
      const path = join(directory, 'src', `${file}.ts`);
      const source = await readFile(path, 'utf8');
      const at = source.indexOf(guard);
      if (at < 0) throw new Error(`${name}: ${file}.ts does not contain this guard`);
      tried.add(tests);
      await writeFile(path, source.slice(0, at) + replacement + source.slice(at + guard.length));
      vitest.invalidateFile(path);
      const isNoticed = !(await passes(tests));
      await writeFile(path, source);
      vitest.invalidateFile(path);
      console.log(`${isNoticed ? 'noticed ' : 'SURVIVED'}  ${name}`);
      if (!isNoticed) survivors.push(name);
    }
    // Tests that fail without a mutation would seem to detect every mutation.
    for (const tests of tried) {
      if (!(await passes(tests))) throw new Error(`${tests}.test.ts fails without a mutation`);
    }
  } finally {
    await vitest?.close();
    await rm(directory, { recursive: true, force: true });
  }
};

const count = mutants.length;
if (!count) throw new Error('no guard has this name');
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
if (survivors.length) {
  console.error(`${survivors.length} guards can be removed without a failing test`);
  process.exitCode = 1;
} else {
  // Vitest sets it to 1 because of the expected failures.
  process.exitCode = 0;
  console.log(`${count} guards removed in turn, each detected by a test`);
}
