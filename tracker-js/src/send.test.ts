import { describe, expect, it, vi } from 'vitest';
import { createSender, RETRIES_MAX } from './send';
import { ENDPOINT, names, usePage } from './testing/page';

const page = usePage();
const event = (n: string) => ({ n });

describe('sending', () => {
  it('keeps failed events until the browser is online again', async () => {
    const sender = createSender(ENDPOINT);
    page.network = 'is down';
    sender.post(event('A'));
    sender.post(event('B'));
    await page.settle();
    page.network = 'accepts';
    sender.repost();
    await page.settle();
    expect(names(page.sent)).toEqual(['A', 'B']);
    sender.repost();
    expect(names(page.sent)).toEqual(['A', 'B']);
  });

  it.each([
    [429, true],
    [500, true],
    [503, true],
    [202, false],
    [400, false],
    [413, false],
  ])('retries an event that was answered %d: %s', async (status, isKept) => {
    const sender = createSender(ENDPOINT);
    page.network = status;
    sender.post(event('A'));
    await page.settle();
    page.network = 'accepts';
    sender.repost();
    await page.settle();
    expect(names(page.sent)).toEqual(isKept ? ['A'] : []);
  });

  it('retries failed events after an event got through', async () => {
    const sender = createSender(ENDPOINT);
    page.network = 'is overloaded';
    sender.post(event('A'));
    await page.settle();
    page.network = 'accepts';
    sender.post(event('B'));
    await page.settle();
    expect(names(page.sent)).toEqual(['B', 'A']);
  });

  it('does not flood a collector that is blocked', async () => {
    const sender = createSender(ENDPOINT);
    page.network = 'is down';
    for (let event = 0; event < 10; event++) {
      sender.post({ n: `${event}` });
      await page.settle();
    }
    expect(page.requests).toHaveLength(10);
  });

  it('keeps the oldest failed events, up to the limit', async () => {
    const sender = createSender(ENDPOINT);
    page.network = 'is down';
    for (let event = 0; event <= RETRIES_MAX; event++) sender.post({ n: `${event}` });
    await page.settle();
    page.network = 'accepts';
    sender.repost();
    await page.settle();
    expect(page.sent).toHaveLength(RETRIES_MAX);
    expect(page.sent[0]?.n).toBe('0');
  });

  it('does not repeat an event in flight when the retry limit is reached', async () => {
    const sender = createSender(ENDPOINT);
    page.network = 'is down';
    sender.post(event('A'));
    await page.settle();
    sender.repost();
    await page.settle();
    page.network = 'accepts';
    sender.repost();
    await page.settle();
    expect(names(page.sent)).toEqual(['A']);
  });

  it('falls back to sendBeacon when fetch throws', () => {
    const beacon = vi.fn();
    vi.stubGlobal('navigator', { sendBeacon: beacon });
    page.network = 'throws';
    createSender(ENDPOINT).post(event('A'));
    expect(beacon).toHaveBeenCalledExactlyOnceWith(ENDPOINT, '{"n":"A"}');
  });
});
