import { beforeEach, describe, expect, it, vi } from 'vitest';

const page = { time: 1000, isAttended: true, bottom: 500, height: 1000, layouts: 0 };
vi.mock('./browser', () => ({
  now: () => page.time,
  isAttended: () => page.isAttended,
  viewBottom: () => page.bottom,
  pageHeight: () => {
    page.layouts += 1;
    return page.height;
  },
}));
const { createEngagement } = await import('./engagement');

describe('engagement', () => {
  beforeEach(() => Object.assign(page, { time: 1000, isAttended: true, bottom: 500, height: 1000, layouts: 0 }));

  it('counts only while the page is visible and focused', () => {
    const { tick } = createEngagement();
    tick();
    page.time += 400;
    page.isAttended = false;
    tick();
    page.time += 90_000;
    page.isAttended = true;
    tick();
    page.time += 100;
    expect(tick()).toBe(500);
  });

  it('counts nothing before the first call', () => {
    page.time = 60_000;
    expect(createEngagement().tick()).toBe(0);
  });

  it('rounds to whole milliseconds', () => {
    const { tick } = createEngagement();
    tick();
    page.time += 10.6;
    expect(tick()).toBe(11);
  });

  it('starts again with a new pageview, and the clock keeps running', () => {
    const { tick, look } = createEngagement();
    tick();
    page.time += 400;
    page.bottom = 900;
    look();
    tick(true);
    page.time += 30;
    page.bottom = 500;
    expect([tick(), look()]).toEqual([30, 50]);
  });

  it('does not force a layout to measure time', () => {
    const { tick, look } = createEngagement();
    tick(true);
    expect(page.layouts).toBe(0);
    look();
    expect(page.layouts).toBe(1);
  });

  it('keeps the lowest visible line', () => {
    const { look } = createEngagement();
    page.bottom = 800;
    look();
    page.bottom = 500;
    expect(look()).toBe(80);
  });

  it('measures a page that grows late against its full height', () => {
    const { look } = createEngagement();
    page.bottom = page.height = 500;
    look();
    page.height = 2000;
    expect(look()).toBe(25);
  });

  it('never reports more than 100 per cent', () => {
    page.bottom = 1400;
    expect(createEngagement().look()).toBe(100);
  });
});
