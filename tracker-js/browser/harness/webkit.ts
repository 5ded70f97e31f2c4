// WebKitGTK with its own driver, over plain WebDriver, on a separate virtual display.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { until } from './scenario';

/** One window. */
export interface WebKit {
  readonly goTo: (url: string) => Promise<void>;
  readonly back: () => Promise<void>;
  readonly run: (code: string) => Promise<unknown>;
  readonly click: (selector: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const BROWSER = process.env.WEBKIT ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

/** A port that is free now. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });

/** Starts a virtual display. Resolves to its number. */
const startDisplay = async (): Promise<{ display: string; child: ChildProcess }> => {
  const child = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1200x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const display = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.stdout?.once('data', (chunk: Buffer) => resolve(`:${`${chunk}`.trim()}`));
  });
  return { display, child };
};

export const launchWebKit = async (): Promise<WebKit> => {
  if (!existsSync(BROWSER)) throw new Error(`${BROWSER} is missing; install webkit2gtk-driver`);
  const { display, child: screen } = await startDisplay();
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: display },
  });
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: { error?: string; message?: string } | null };
    if (!response.ok) throw new Error(`${path}: ${value?.error}: ${value?.message}`);
    return value;
  };
  const isUp = () =>
    call('GET', '/status').then(
      () => true,
      () => false,
    );
  await until('the driver is there', isUp, 20_000);
  const options = { binary: BROWSER, args: ['--automation'] };
  const capabilities = { alwaysMatch: { browserName: 'MiniBrowser', 'webkitgtk:browserOptions': options } };
  const { sessionId } = (await call('POST', '/session', { capabilities })) as { sessionId: string };
  const session = `/session/${sessionId}`;
  return {
    goTo: async (url) => void (await call('POST', `${session}/url`, { url })),
    back: async () => void (await call('POST', `${session}/back`, {})),
    run: (code) => call('POST', `${session}/execute/sync`, { script: code, args: [] }),
    click: async (selector) => {
      const element = await call('POST', `${session}/element`, { using: 'css selector', value: selector });
      const [id] = Object.values(element as { [key: string]: string });
      await call('POST', `${session}/element/${id}/click`, {});
    },
    close: async () => {
      await call('DELETE', session).catch(() => {});
      await ended(driver);
      await ended(screen);
    },
  };
};
