/**
 * Compares screenshots of each state with the committed ones, pixel by pixel, over made-up numbers
 * at a fixed time. `PICTURES=update npm run test:e2e` takes new ones: look at them before you
 * commit.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type OpenOptions, type Stage, setStage, settled } from './stage.ts';

/** Share of pixels that may differ. */
const DIFFERING_SHARE_MAX = 0.001;
/** Pixels differ if a channel differs by at least this much, of 255. */
const CHANNEL_STEP_MIN = 16;
const FOLDER = new URL('./pictures/', import.meta.url);
const SURROUNDINGS = new URL('surroundings.json', FOLDER);
/** With another version of Chromium, squares of this many pixels are averaged and compared. */
const COARSE = 8;
const isUpdate = process.env['PICTURES'] === 'update';

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const STATES: [string, string, OpenOptions, ((page: Page) => Promise<unknown>)?][] = [
  ['board', '/', DESKTOP],
  [
    'board-dark-map',
    '/?countries=map',
    { ...DESKTOP, scheme: 'dark' },
    (page) => page.locator('.map svg').waitFor(),
  ],
  ['board-phone', '/', PHONE],
  ['board-japanese', '/?f=source~is~Google', { ...DESKTOP, locale: 'ja-JP' }],
  ['board-right-to-left', '/?lang=qpsr', DESKTOP],
  ['chart-table', '/?chart=table&metric=bounce_rate', DESKTOP],
  ['detail', '/?detail=page', DESKTOP],
  ['detail-phone-dark', '/?detail=page', { ...PHONE, scheme: 'dark' }],
  [
    'first-run',
    '/?site=empty.example',
    DESKTOP,
    (page) => page.getByTestId('first-run').getByRole('alert').waitFor(),
  ],
  ['trouble', '/?site=broken.example', DESKTOP, (page) => page.getByTestId('trouble').waitFor()],
  ['partly', '/?site=partly.example', DESKTOP],
  ['one-visit', '/?site=one.example', DESKTOP],
  ['ten-million', '/?site=large.example&period=12mo', DESKTOP],
  ['forced-colours', '/', { ...DESKTOP, forcedColors: 'active' }],
  ['clicks-and-funnel', '/?funnel=loose~~page~/~page~/pricing', DESKTOP, showBelow],
  [
    'clicks-and-funnel-phone-dark',
    '/?funnel=loose~~page~/~page~/pricing',
    { ...PHONE, scheme: 'dark' },
    showBelow,
  ],
  ['manage-goals', '/?manage=goals', DESKTOP],
  ['manage-people-japanese', '/?manage=people&lang=ja', DESKTOP],
  ['manage-links-phone-dark', '/?manage=links', { ...PHONE, scheme: 'dark' }],
];

/** Scrolls to the lower panels, which loads them. */
async function showBelow(page: Page): Promise<void> {
  await page.locator('.lower-place').scrollIntoViewIfNeeded();
  await page.getByTestId('panel-clicks').locator('svg rect').first().waitFor();
  await page.getByTestId('panel-funnel').locator('tbody tr').first().waitFor();
  // The scroll position depends on when the panels arrived.
  await page.locator('.lower').evaluate((element) => element.scrollIntoView({ block: 'end' }));
}

let stage: Stage;
/** Chromium's major version. Versions differ in anti-aliasing, so others are compared coarsely. */
let version: string;
beforeAll(async () => {
  stage = await setStage();
  version = stage.browser.version().split('.')[0] ?? '';
  await expectFonts();
  if (isUpdate) writeFileSync(SURROUNDINGS, `{ "chromium": "${version}" }\n`);
  await stage.tidy();
});
afterEach(() => stage.tidy());
afterAll(() => stage.close());

/** Fails if the fonts of `fonts.conf` are missing. */
async function expectFonts(): Promise<void> {
  const { page } = await stage.open('/?site=empty.example');
  const widths = await page.evaluate(() => {
    const pen = document.createElement('canvas').getContext('2d');
    return ['system-ui', 'DejaVu Sans', 'VL PGothic', 'monospace', 'DejaVu Sans Mono'].map((font) => {
      if (pen) pen.font = `40px "${font}"`;
      if (pen && (font === 'system-ui' || font === 'monospace')) pen.font = `40px ${font}`;
      return [pen?.measureText('Sillage 0123 ä').width, pen?.measureText('日本語').width];
    });
  });
  const [sans, dejavu, gothic, mono, dejavuMono] = widths;
  const hint = 'fonts-dejavu-core and fonts-vlgothic are needed: sh tests/packages.sh';
  expect(sans, hint).toEqual(dejavu);
  expect(mono, hint).toEqual(dejavuMono);
  expect(dejavu?.[0], hint).not.toEqual(gothic?.[0]);
  expect(gothic?.[1], hint).toBeCloseTo(120, 1);
}

/** The share of pixels that differ, 1 for another size. The browser decodes the images. */
async function differing(pictures: [Buffer, Buffer], square = 1): Promise<number> {
  const context = await stage.browser.newContext();
  const page = await context.newPage();
  return page.evaluate(
    async ({ texts, step, square }) => {
      const points = await Promise.all(
        texts.map(async (text) => {
          const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
          const width = Math.ceil(image.width / square);
          const height = Math.ceil(image.height / square);
          const pen = new OffscreenCanvas(width, height).getContext('2d');
          if (pen) pen.imageSmoothingQuality = 'high';
          pen?.drawImage(image, 0, 0, width, height);
          return { whole: [image.width, image.height], image: pen?.getImageData(0, 0, width, height) };
        }),
      );
      const [a, b] = points;
      if (!a?.image || !b?.image || String(a.whole) !== String(b.whole)) return 1;
      const [one, other] = [a.image.data, b.image.data];
      let count = 0;
      for (let i = 0; i < one.length; i += 4) {
        const isOther = [0, 1, 2].some((c) => Math.abs((one[i + c] ?? 0) - (other[i + c] ?? 0)) >= step);
        if (isOther) count += 1;
      }
      return count / (one.length / 4);
    },
    {
      texts: pictures.map((picture) => picture.toString('base64')),
      step: CHANNEL_STEP_MIN,
      square,
    },
  );
}

async function picture(page: Page): Promise<Buffer> {
  // These show the current time.
  const moving = [
    page.getByTestId('quality').locator('li').last(),
    page.getByTestId('trouble').locator('span'),
  ];
  return page.screenshot({ mask: moving, animations: 'disabled', caret: 'hide' });
}

const baseline = (name: string): URL => new URL(`${name}.png`, FOLDER);

it.for(STATES)('%s looks as it did', async ([name, address, look, prepare]) => {
  const { page } = await stage.open(address, look);
  if (prepare) await prepare(page);
  if (name !== 'trouble') await settled(page);
  // Live count and data quality arrive after the numbers.
  if (name !== 'first-run' && name !== 'trouble') await page.getByTestId('live').getByText(/\d/).waitFor();
  const now = await picture(page);
  if (isUpdate) {
    writeFileSync(baseline(name), now);
    return;
  }
  expect(existsSync(SURROUNDINGS), 'run with PICTURES=update first').toBe(true);
  const known = JSON.parse(readFileSync(SURROUNDINGS, 'utf8')).chromium;
  const square = known === version ? 1 : COARSE;
  const share = await differing([readFileSync(baseline(name)), now], square);
  if (share > DIFFERING_SHARE_MAX) writeFileSync(new URL(`${name}.now.png`, FOLDER), now);
  expect(share, `see ${name}.now.png beside ${name}.png`).toBeLessThanOrEqual(DIFFERING_SHARE_MAX);
});

it('a changed number is a changed picture', async () => {
  const { page } = await stage.open('/');
  await settled(page);
  await page.getByTestId('live').getByText(/\d/).waitFor();
  const one = await picture(page);
  expect(await differing([one, one])).toBe(0);
  await page
    .locator('.headline-value')
    .first()
    .evaluate((element) => {
      element.textContent = '99';
    });
  const other = await picture(page);
  expect(await differing([one, other])).toBeGreaterThan(0);
  // The coarse comparison must find a difference as well.
  expect(await differing([one, one], COARSE)).toBe(0);
  await page
    .locator('.headline')
    .first()
    .evaluate((element) => element.remove());
  expect(await differing([one, await picture(page)], COARSE)).toBeGreaterThan(DIFFERING_SHARE_MAX);
});
