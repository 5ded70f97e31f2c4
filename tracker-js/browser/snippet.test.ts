// The output of `sillage snippet`, pasted into a page unchanged.

import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';
import { describe, expect, inject, it } from 'vitest';
import { COUNTED_FROM, siteName } from './harness/collector';
import { names, until, useWorld } from './harness/scenario';

const world = useWorld(440);
let counted = COUNTED_FROM;

const print = (site: string, variant: string, origin = world.site.origin('stats.test')): string => {
  const { binary, config } = inject('collector');
  const args = ['snippet', site, '--config', config, '--origin', origin, '--variant', variant];
  return execFileSync(binary, args, { encoding: 'utf8', cwd: '..' }).trim();
};

/** A site that counts without consent, with a page that embeds the printed snippet. */
const paste = (variant: string, edit = (printed: string) => printed, headers?: { [name: string]: string }) => {
  const site = siteName(counted++);
  const printed = edit(print(site, variant));
  world.site.put(`/${site}`, `<!doctype html><title>t</title><body>${printed}`, headers ? { headers } : {});
  return { site, printed, url: `${world.site.origin()}/${site}` };
};
const views = async (site: string) => {
  await until(`a view of ${site}`, async () => (await world.site.stored(site)).length > 0);
  return names(await world.site.stored(site));
};
const errorsOf = async (url: string) => {
  const page = await world.launched.browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(`${error}`));
  page.on('console', (message) => errors.push(message.text()));
  await page.goto(url, { waitUntil: 'load' });
  return errors;
};
/** Browsers request an icon by themselves, and the pages have none. */
const withoutIcon = (errors: readonly string[]) => errors.filter((error) => !/404/.test(error));

describe('1 a page with the printed line', () => {
  it.each(['plain', 'gtm'])('in its variant %s is counted', async (variant) => {
    const { site, url } = paste(variant);
    expect(withoutIcon(await errorsOf(url))).toEqual([]);
    expect(await views(site)).toEqual(['pageview']);
  });

  it('to be bundled is counted', async () => {
    const site = siteName(counted++);
    const { outputFiles } = await build({
      stdin: { contents: print(site, 'npm'), resolveDir: '.', loader: 'js' },
      alias: { '@sillage/tracker': './dist/npm/module.js' },
      bundle: true,
      write: false,
      format: 'esm',
    });
    world.site.put(`/${site}`, `<!doctype html><title>t</title><script type=module>${outputFiles[0]?.text}</script>`);
    expect(withoutIcon(await errorsOf(`${world.site.origin()}/${site}`))).toEqual([]);
    expect(await views(site)).toEqual(['pageview']);
  });
});

describe('11 a page with the line for sites that ask first', () => {
  it('sends nothing until the page says yes', async () => {
    const test = world.scenario();
    const page = await world.open(test.put(`<!doctype html><title>t</title>${print(test.site, 'wait')}`));
    await until('the script', () => page.evaluate(() => typeof window.sillage === 'function'));
    expect(test.requests()).toEqual([]);
    await page.evaluate(() => window.sillage?.('consent', true));
    expect(names(await test.stored(1))).toEqual(['pageview']);
  });
});

describe('15 a page with the line for a policy', () => {
  it('with nonces has no violation', async () => {
    const policy = `default-src 'none'; script-src 'nonce-r4nd0m'; connect-src ${world.site.origin('stats.test')}`;
    const { site, printed, url } = paste('nonce', (line) => line.replace('NONCE', 'r4nd0m'), {
      'content-security-policy': policy,
    });
    expect(printed).toContain('r4nd0m');
    const errors = await errorsOf(url);
    expect(errors.filter((error) => /Content Security Policy/.test(error) && !/favicon/.test(error))).toEqual([]);
    expect(await views(site)).toEqual(['pageview']);
  });

  it('with an integrity hash is counted, by the release of its own address', async () => {
    const { site, printed, url } = paste('integrity');
    expect(printed).toMatch(/src="[^"]*\/s\/[^"/]+\/s\.js" integrity="sha384-/);
    expect(withoutIcon(await errorsOf(url))).toEqual([]);
    expect(await views(site)).toEqual(['pageview']);
  });
});

describe('1 without script', () => {
  it('the image that is printed counts the page', async () => {
    const { site, url } = paste('noscript');
    const page = await world.launched.browser.newPage();
    await page.setJavaScriptEnabled(false);
    await page.goto(url, { waitUntil: 'load' });
    expect(await views(site)).toEqual(['pageview']);
  });

  it('and with scripts it is not requested', async () => {
    const { site, url } = paste('noscript');
    await world.open(url);
    await world.open(paste('plain').url);
    await views(siteName(counted - 1));
    expect(await world.site.stored(site)).toEqual([]);
  });
});
