// `npm run shots -- ../../docs/dashboard`: screenshots of the page over made-up numbers, at a fixed
// time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('./stage.ts', import.meta.url).pathname);
const folder = process.argv[2] ?? 'shots';
mkdirSync(folder, { recursive: true });
const stage = await module.setStage();
const shots = [
  ['desktop', '/', { width: 1280, height: 900 }],
  ['dark', '/?countries=map', { width: 1280, height: 900, scheme: 'dark' }],
  ['japanese', '/?f=source~is~Google&f=country~is~JP~US', { width: 1280, height: 900, locale: 'ja-JP' }],
  ['phone', '/', { width: 390, height: 844 }],
  ['detail', '/?detail=page', { width: 1280, height: 900 }],
  ['clicks-and-funnel', '/?funnel=loose~~page~/~page~/pricing', { width: 1280, height: 900 }],
  ['manage', '/?manage=goals', { width: 1280, height: 900 }],
];
for (const [name, address, look] of shots) {
  const { page } = await stage.open(address, look);
  page.setDefaultTimeout(120_000);
  await module.settled(page);
  await page.getByTestId('live').getByText('23').waitFor();
  if (name === 'clicks-and-funnel') {
    await page.locator('.lower-place').scrollIntoViewIfNeeded();
    await page.getByTestId('panel-funnel').locator('tbody tr').first().waitFor();
    await page.locator('.lower').evaluate((element) => element.scrollIntoView({ block: 'end' }));
  }
  const isWhole = !['phone', 'detail', 'clicks-and-funnel', 'manage'].includes(name);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: isWhole });
  await stage.tidy();
  console.log(`${name}.png`);
}
await stage.close();
process.exit(0);
