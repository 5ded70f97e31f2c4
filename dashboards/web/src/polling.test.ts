import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pauseMs, startPolling } from './polling.ts';

describe('the pause between two polls', () => {
  it('is short while the server is fast', () => {
    expect(pauseMs(5)).toBe(2_000);
    expect(pauseMs(100)).toBe(2_000);
  });

  it('grows with the response time, up to half a minute', () => {
    expect(pauseMs(500)).toBe(10_000);
    expect(pauseMs(60_000)).toBe(30_000);
    expect(pauseMs(5, 10_000)).toBe(10_000);
  });
});

describe('polling', () => {
  let isVisible = true;
  let onChange = () => {};
  beforeEach(() => {
    isVisible = true;
    vi.useFakeTimers();
    vi.stubGlobal('document', {
      get visibilityState() {
        return isVisible ? 'visible' : 'hidden';
      },
      addEventListener: (_: string, listener: () => void) => {
        onChange = listener;
      },
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('waits for the answer, stops while hidden, resumes at once', async () => {
    let answer = () => {};
    const refresh = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
    );
    startPolling({ refresh, readLiveAndQuality: async () => {} });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(refresh).toHaveBeenCalledTimes(1);
    // The server takes a second; nothing is asked meanwhile, and the pause is twenty seconds.
    await vi.advanceTimersByTimeAsync(1_000);
    answer();
    await vi.advanceTimersByTimeAsync(19_000);
    expect(refresh).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(refresh).toHaveBeenCalledTimes(2);
    answer();
    await vi.advanceTimersByTimeAsync(0);

    isVisible = false;
    onChange();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refresh).toHaveBeenCalledTimes(2);
    isVisible = true;
    onChange();
    await vi.advanceTimersByTimeAsync(0);
    expect(refresh).toHaveBeenCalledTimes(3);
  });
});
