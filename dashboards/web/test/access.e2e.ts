/** WCAG 2.2 AA by axe-core over every state, theme and size; and that nothing ever scrolls sideways. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type OpenOptions, type Stage, setStage, settled } from './stage.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterEach(() => stage.tidy());
afterAll(() => stage.close());

async function findings(page: Page): Promise<string[]> {
  // Evaluated by the debugger, not by the page: its content policy stays as strict as it is.
  await page.evaluate(AXE);
  const result = await page.evaluate(
    (tags) =>
      (window as unknown as { axe: { run: (on: Document, options: object) => Promise<AxeResults> } }).axe.run(
        document,
        {
          runOnly: tags,
        },
      ),
    TAGS,
  );
  return result.violations.map(
    (found) =>
      `${found.id}: ${found.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join(' | ')}`,
  );
}

const STATES: [string, string, ((page: Page) => Promise<void>)?][] = [
  ['the board', '/'],
  ['filters', '/?f=source~is~Google&f=country~is~DE~AT&f=page~contains~/blog'],
  ['the chart as a table', '/?chart=table&metric=bounce_rate'],
  ['the map', '/?countries=map', (page) => page.locator('.map svg').waitFor()],
  ['a list in full', '/?detail=page'],
  ['a search without a match', '/?detail=page&q=nowhere'],
  ['no comparison', '/?compare=off&sources=utm_campaign'],
  ['a new site', '/?site=empty.example', (page) => page.getByTestId('first-run').waitFor()],
  ['one visit', '/?site=one.example'],
  ['ten million', '/?site=large.example&period=12mo'],
  ['hostile names', '/?site=hostile.example&period=all'],
  ['trouble', '/?site=broken.example', (page) => page.getByTestId('trouble').waitFor()],
  ['part of it in trouble', '/?site=partly.example'],
  ['sign-in ended', '/?site=expired.example', (page) => page.getByTestId('trouble').waitFor()],
  ['a notice', '/?what=this'],
  [
    'an open menu',
    '/',
    async (page) => {
      await settled(page);
      await page.getByTestId('period').click();
    },
  ],
  [
    'the filter editor',
    '/',
    async (page) => {
      await settled(page);
      await page.getByTestId('add-filter').click();
    },
  ],
  [
    'the list of shortcuts',
    '/',
    async (page) => {
      await settled(page);
      await page.keyboard.press('?');
    },
  ],
];
const LOOKS: [string, OpenOptions][] = [
  ['desktop, light', { width: 1280, height: 900, scheme: 'light' }],
  ['desktop, dark', { width: 1280, height: 900, scheme: 'dark' }],
  ['phone, light', { width: 390, height: 844, scheme: 'light' }],
  ['phone, dark', { width: 390, height: 844, scheme: 'dark' }],
];

describe.each(LOOKS)('%s', (_, look) => {
  it.each(STATES)('%s has no finding', async (_name, address, prepare) => {
    const { page } = await stage.open(address, look);
    if (prepare) await prepare(page);
    else await settled(page);
    expect(await findings(page)).toEqual([]);
  });
});

describe('nothing scrolls sideways', () => {
  it.each([320, 390, 768, 1280, 1920])('at %d px, in any language', async (width) => {
    for (const lang of ['en', 'de', 'ja', 'qps']) {
      for (const address of [
        '/?',
        '/?detail=page&',
        '/?site=empty.example&',
        '/?site=hostile.example&period=all&',
      ]) {
        const { page } = await stage.open(`${address}lang=${lang}`, { width });
        await (address.includes('empty') ? page.getByTestId('first-run').waitFor() : settled(page));
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(over, `${address} ${lang}`).toBeLessThanOrEqual(0);
      }
    }
  });

  it('with text twice as large', async () => {
    const { page } = await stage.open('/', { width: 1280 });
    await settled(page);
    await page.evaluate(() => {
      document.documentElement.style.fontSize = '200%';
    });
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(over).toBeLessThanOrEqual(0);
  });
});

describe('hands and eyes', () => {
  it('everything to press is at least 24 px in both directions', async () => {
    for (const width of [390, 1280]) {
      const { page } = await stage.open('/?f=source~is~Google', { width });
      await settled(page);
      const small = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('button, select, input, a[href]')]
          .filter((element) => element.checkVisibility() && !element.classList.contains('skip'))
          .map((element) => ({ box: element.getBoundingClientRect(), text: element.textContent }))
          .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
          .map(({ box, text }) => `${text} ${box.width}×${box.height}`),
      );
      expect(small).toEqual([]);
    }
  });

  it('no text is left untranslated', async () => {
    const { page } = await stage.open('/?lang=qps&f=source~is~Google');
    await settled(page);
    const plain = await page.evaluate(() =>
      [
        ...document.querySelectorAll(
          'button:not(.row-name):not(.mover):not(.chip-text), h2, th[scope=col], .menu-title',
        ),
      ]
        .map((element) => element.textContent?.trim() ?? '')
        .filter((text) => /[a-z]{3}/i.test(text) && !text.includes('[')),
    );
    // The languages name themselves.
    expect(plain.filter((text) => !['English', '✓English', 'Deutsch'].includes(text))).toEqual([]);
  });

  it('forced colours still tell the chosen from the rest', async () => {
    const { page } = await stage.open('/', { forcedColors: 'active' });
    await settled(page);
    const outline = await page
      .locator('.headline[aria-pressed=true]')
      .evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(outline).toBe('solid');
  });
});
