// Writes the results of a run into the table of scenarios and engines in README.md, with
// UPDATE_TABLE=1. A run of some files updates the cells of its tests only.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';

const SCENARIOS: { readonly [number: string]: string } = {
  1: 'Loads: deferred, async, blocking, module, tag manager, two copies, every printed line, an image',
  2: 'Settings by attributes, by the global object, by both',
  3: 'Calls before the script is there, in order',
  4: 'One document, many addresses: push, replace, same, query, fragment, back, forward, 20 in a tick; with and without the Navigation API',
  5: 'Back-forward cache: eligible, a return is a new view',
  6: 'Prerendering: counted when shown, never when not',
  7: 'Background tab: counted when shown',
  8: 'End of a visit: close, leave, reload, crash, quit, discard; hidden (90 s), frozen and unfocused time; clock changes',
  9: 'Scroll depth: short, tall, growing, quirks mode',
  10: 'Clicks and forms: every way to follow a link, downloads, marked elements, valid and invalid forms, hung collector',
  11: 'Consent: waiting, given, refused, withdrawn, given again, other tabs; all eight adapters',
  12: 'Signals: GPC, DNT, driven browser, the visitor’s mark',
  13: 'Collector missing, failing, hanging, blocked; hostile globals',
  14: 'Offline and back, offline and closed, lost answers',
  15: 'Content security policies, Trusted Types, integrity',
  16: 'Collector on another origin without preflight, behind a path, behind TLS; pages under an international name',
  17: 'Frames: same origin, cross origin, sandboxed, without address',
  18: 'Storage: none written (asked after every test), denied, private window',
  19: 'Secrets stay in the page',
  20: 'Script time on load at a 4x slow-down',
  21: 'Phone: touch and viewport',
};
const ENGINES = ['Chromium', 'Firefox', 'WebKitGTK'] as const;
const engineOf = (path: string) =>
  path.includes('firefox') ? 'Firefox' : path.includes('webkit') ? 'WebKitGTK' : 'Chromium';

/** Passed and all tests per scenario and engine. */
export class TableReporter implements Reporter {
  readonly #counts = new Map<string, [passed: number, all: number]>();

  onTestCaseResult(test: TestCase): void {
    if (test.result().state === 'skipped') return;
    // The name of a test or of its group starts with the number of the scenario. A group may have
    // two numbers.
    const numbered = test.fullName.split(' > ').find((part) => /^\d/.test(part)) ?? '';
    const [lead = ''] = /^\d+( and \d+)?/.exec(numbered) ?? [];
    for (const number of lead.split(' and ').filter(Boolean)) {
      const cell = `${number} ${engineOf(test.module.moduleId)}`;
      const [passed, all] = this.#counts.get(cell) ?? [0, 0];
      this.#counts.set(cell, [passed + (test.result().state === 'passed' ? 1 : 0), all + 1]);
    }
  }

  onTestRunEnd(): void {
    const readme = readFileSync('README.md', 'utf8');
    const [before, rest = ''] = readme.split('<!-- scenarios -->\n');
    const earlier = new Map(
      rest.split('\n').map((line) => {
        const [, number = '', , ...cells] = line.split('|').map((text) => text.trim());
        return [number, cells];
      }),
    );
    const cell = (number: string, engine: (typeof ENGINES)[number]) => {
      const [passed, all] = this.#counts.get(`${number} ${engine}`) ?? [0, 0];
      if (all === 0) return earlier.get(number)?.[ENGINES.indexOf(engine)] ?? '–';
      return passed === all ? `${all} ✓` : `${passed} of ${all}`;
    };
    const rows = Object.entries(SCENARIOS).map(
      ([number, title]) => `| ${number} | ${title} | ${ENGINES.map((engine) => cell(number, engine)).join(' | ')} |`,
    );
    const table = [`| | Scenario | ${ENGINES.join(' | ')} |`, '|---|---|---|---|---|', ...rows].join('\n');
    const after = rest.slice(rest.indexOf('<!-- /scenarios -->'));
    writeFileSync('README.md', `${before}<!-- scenarios -->\n${table}\n${after}`);
  }
}
