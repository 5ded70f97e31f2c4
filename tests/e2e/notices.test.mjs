// The pages for visitors at the widths of a phone and a desktop: no broken words, no overflow.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startCollector } from './collector.mjs';

const SITE = `
[[site]]
id = "a-site-with-a-rather-long-name.example"
profile = "exempt"
controller = "Example K.K."
contact = "privacy@a-site-with-a-rather-long-name.example"
query_allow = ["page", "q"]
mail_campaigns = ["spring"]
`;
const PATHS = ['/privacy', '/privacy/external-transmission', '/privacy/self-assessment'];

let collector;
let browser;
before(async () => {
  collector = await startCollector(SITE);
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });
});
after(async () => {
  await browser?.close();
  assert.equal(await collector?.stop(), 0, 'the collector stops cleanly');
});

/**
 * Words of Latin letters, not longer than a line on a phone, that are broken over several lines.
 */
const brokenWords = () => {
  const broken = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const { 0: word, index } of texts.currentNode.data.matchAll(/\p{Script=Latin}{2,24}/gu)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, index);
      range.setEnd(texts.currentNode, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) broken.push(word);
    }
  }
  return broken;
};

for (const width of [360, 1280]) {
  test(`no word breaks and nothing overflows at ${width} px, in 3 languages`, async () => {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    for (const path of PATHS) {
      for (const lang of ['en', 'ja', 'de']) {
        await page.goto(new URL(`${path}?lang=${lang}`, collector.dashboard).href);
        assert.deepEqual(await page.evaluate(brokenWords), [], `${path} ${lang}`);
        const widest = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(widest <= width, `${path} ${lang} is ${widest} px wide`);
      }
    }
    // Positive control: the search finds a broken word.
    await page.evaluate(() => Object.assign(document.querySelector('h1').style, { inlineSize: '3rem', overflowWrap: 'anywhere' }));
    assert.notDeepEqual(await page.evaluate(brokenWords), []);
    await page.close();
  });
}
