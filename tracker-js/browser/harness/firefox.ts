// Firefox over WebDriver BiDi.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import type { Launched } from './chromium';

/** `hasGpc` sets the preference of Firefox, as a visitor would. */
export const launchFirefox = async (hasGpc = false): Promise<Launched> => {
  const profile = await mkdtemp(join(tmpdir(), 'tracker-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    defaultViewport: null,
    userDataDir: profile,
    extraPrefsFirefox: {
      'network.dns.localDomains': 'shop.test,stats.test,other.test,embed.test',
      'privacy.globalprivacycontrol.enabled': hasGpc,
      'privacy.globalprivacycontrol.functionality.enabled': hasGpc,
      // A driver's profile switches the back-forward cache off.
      'fission.bfcacheInParent': true,
      'browser.sessionhistory.max_total_viewers': 8,
    },
  });
  const newPage = browser.newPage.bind(browser);
  browser.newPage = async () => {
    const page = await newPage();
    // Unlike Chromium, Firefox has no switch for this.
    await page.evaluateOnNewDocument(() => Object.defineProperty(navigator, 'webdriver', { get: () => false }));
    return page;
  };
  return {
    browser,
    close: async () => {
      await browser.close().catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
