// Chromium with our own flags: a driver's usual flags make every page visible and focused and
// switch the back-forward cache off, which would hide what these tests check.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';

export interface Launched {
  readonly browser: Browser;
  readonly close: () => Promise<void>;
}

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';

export const launchChromium = async (port: number, extraArgs: readonly string[] = []): Promise<Launched> => {
  const profile = await mkdtemp(join(tmpdir(), 'tracker-chromium-'));
  const hosts = ['shop.test', 'stats.test', 'other.test', 'embed.test'];
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    ignoreDefaultArgs: true,
    defaultViewport: null,
    // Chromium's wrapper script writes irrelevant warnings to standard error.
    dumpio: false,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--no-default-browser-check',
      '--disable-component-update',
      '--disable-background-networking',
      '--disable-sync',
      '--mute-audio',
      '--password-store=basic',
      '--window-size=1000,800',
      `--user-agent=${USER_AGENT}`,
      `--user-data-dir=${profile}`,
      '--host-resolver-rules=MAP *.test 127.0.0.1',
      `--unsafely-treat-insecure-origin-as-secure=${hosts.map((host) => `http://${host}:${port}`).join(',')}`,
      '--disable-blink-features=AutomationControlled',
      ...extraArgs,
      'about:blank',
    ],
  });
  return {
    browser,
    close: async () => {
      await browser.close().catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
