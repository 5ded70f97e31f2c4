import { describe, expect, it } from 'vitest';
import { addMonths, instantOf, wallClock } from './date.ts';
import { comparedRange, intervalsFor, type Period, parseRange, rangeOf } from './period.ts';

const TODAY = '2026-11-23';
const before = (period: Period, extra: Partial<Parameters<typeof comparedRange>[0]> = {}) =>
  comparedRange({ range: rangeOf(period, TODAY), period, compare: 'previous', matchWeekday: true, ...extra });

describe('periods', () => {
  const cases: [Period, string, string][] = [
    ['today', '2026-11-23', '2026-11-23'],
    ['yesterday', '2026-11-22', '2026-11-22'],
    ['7d', '2026-11-17', '2026-11-23'],
    ['28d', '2026-10-27', '2026-11-23'],
    ['month', '2026-11-01', '2026-11-23'],
    ['last-month', '2026-10-01', '2026-10-31'],
    ['12mo', '2025-12-01', '2026-11-23'],
    ['year', '2026-01-01', '2026-11-23'],
  ];
  it.each(cases)('%s covers the right days', (period, from, to) => {
    expect(rangeOf(period, TODAY)).toEqual({ from, to });
  });

  it('all time has no range', () => {
    expect(rangeOf('all', TODAY)).toBeNull();
  });

  it('today is the day at the site, not at the reader', () => {
    const moment = new Date('2026-11-23T15:30:00Z');
    expect(wallClock(moment, 'Asia/Tokyo')).toEqual({ date: '2026-11-24', hour: 0, minute: 30 });
    expect(wallClock(moment, 'America/New_York')).toEqual({ date: '2026-11-23', hour: 10, minute: 30 });
  });

  it('local times have the offset of their day', () => {
    const at = (date: string, timezone: string) => instantOf({ date, hour: 9, minute: 5, timezone });
    expect(at('2026-11-23', 'Asia/Tokyo')).toBe('2026-11-23T09:05:00+09:00');
    expect(at('2026-07-01', 'Europe/Berlin')).toBe('2026-07-01T09:05:00+02:00');
    expect(at('2026-12-01', 'Europe/Berlin')).toBe('2026-12-01T09:05:00+01:00');
    expect(at('2026-12-01', 'America/St_Johns')).toBe('2026-12-01T09:05:00-03:30');
    // The night on which daylight saving time begins: midnight is before, nine o'clock after.
    expect(instantOf({ date: '2026-03-29', hour: 0, minute: 0, timezone: 'Europe/Berlin' })).toContain(
      '+01:00',
    );
    expect(at('2026-03-29', 'Europe/Berlin')).toContain('+02:00');
  });

  it('a month before the 31st is the last day of a shorter month', () => {
    expect(addMonths('2026-03-31', -1)).toBe('2026-02-28');
    expect(addMonths('2028-03-31', -1)).toBe('2028-02-29');
    expect(addMonths('2026-01-15', -12)).toBe('2025-01-15');
  });

  it('a reversed range is put in order, an invalid one is null', () => {
    expect(parseRange('2026-11-20', '2026-11-10')).toEqual({ from: '2026-11-10', to: '2026-11-20' });
    expect(parseRange('2026-02-30', '2026-03-01')).toBeNull();
    expect(parseRange('yesterday', '2026-03-01')).toBeNull();
  });
});

describe('comparison', () => {
  it('28 days are compared with the 28 days before', () => {
    expect(before('28d')).toEqual({ from: '2026-09-29', to: '2026-10-26' });
  });

  it('today is compared with the same weekday or with yesterday', () => {
    expect(before('today')).toEqual({ from: '2026-11-16', to: '2026-11-16' });
    expect(before('today', { matchWeekday: false })).toEqual({ from: '2026-11-22', to: '2026-11-22' });
  });

  it('last year starts on the nearest same weekday', () => {
    const range = before('28d', { compare: 'year' });
    expect(range).toEqual({ from: '2025-10-28', to: '2025-11-24' });
    expect(new Date('2025-10-28').getUTCDay()).toBe(new Date('2026-10-27').getUTCDay());
  });

  it('this month is compared with as many days of the last one', () => {
    expect(before('month', { matchWeekday: false })).toEqual({ from: '2026-10-01', to: '2026-10-23' });
  });

  it('never overlaps the period', () => {
    for (const period of [
      'today',
      'yesterday',
      '7d',
      '28d',
      '91d',
      'month',
      'last-month',
      '12mo',
      'year',
    ] as const) {
      const range = rangeOf(period, TODAY);
      expect((before(period)?.to ?? '') < (range?.from ?? '')).toBe(true);
    }
  });

  it('does not exist for all time or when switched off', () => {
    expect(before('all')).toBeNull();
    expect(before('28d', { compare: 'off' })).toBeNull();
  });
});

it('by default a chart has at most about 400 points', () => {
  expect(intervalsFor({ from: '2026-11-23', to: '2026-11-23' })[0]).toBe('hour');
  expect(intervalsFor(rangeOf('28d', TODAY))[0]).toBe('day');
  expect(intervalsFor(rangeOf('12mo', TODAY))[0]).toBe('week');
  expect(intervalsFor({ from: '2020-01-01', to: TODAY })).not.toContain('day');
});
