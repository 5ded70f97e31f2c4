import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pauseMs, startBeats } from './polling.ts';

describe('the pause between two beats', () => {
  it('is short while the server answers at once, so that a visit shows within seconds', () => {
    expect(pauseMs(5)).toBe(2_000);
    expect(pauseMs(100)).toBe(2_000);
  });

  it('grows with the answer, up to half a minute', () => {
    expect(pauseMs(500)).toBe(10_000);
    expect(pauseMs(60_000)).toBe(30_000);
    expect(pauseMs(5, 10_000)).toBe(10_000);
  });
});

describe('the pulse', () => {
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

  it('waits for one answer before it asks for the next, rests behind another tab, and beats at once in front', async () => {
    let answer = () => {};
    const tick = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
    );
    startBeats({ tick, readAside: async () => {} });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(tick).toHaveBeenCalledTimes(1);
    // The server takes a second; nothing is asked meanwhile, and the pause is twenty times that.
    await vi.advanceTimersByTimeAsync(1_000);
    answer();
    await vi.advanceTimersByTimeAsync(19_000);
    expect(tick).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tick).toHaveBeenCalledTimes(2);
    answer();
    await vi.advanceTimersByTimeAsync(0);

    isVisible = false;
    onChange();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tick).toHaveBeenCalledTimes(2);
    isVisible = true;
    onChange();
    await vi.advanceTimersByTimeAsync(0);
    expect(tick).toHaveBeenCalledTimes(3);
  });
});
