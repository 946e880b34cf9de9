import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backfillWindows, scheduledWindow, windowText } from '../../../../shared/etl/run/window.ts';

const at = (text: string) => new Date(text);
const hourly = { lengthSeconds: 3600 };
const daily = { lengthSeconds: 86_400 };
const text = (windows: readonly { from: Date; to: Date }[]) => windows.map(windowText);

describe('a scheduled window', () => {
  it.each([
    ['2026-11-21T12:00:00.000Z', '2026-11-21T11:00:00.000Z/2026-11-21T12:00:00.000Z'],
    ['2026-11-21T12:59:59.999Z', '2026-11-21T11:00:00.000Z/2026-11-21T12:00:00.000Z'],
    ['2026-11-21T11:59:59.999Z', '2026-11-21T10:00:00.000Z/2026-11-21T11:00:00.000Z'],
  ])('at %s is the hour that is over', (now, expected) => {
    expect(windowText(scheduledWindow(hourly, at(now)))).toBe(expected);
  });

  it('waits for records that arrive late', () => {
    const window = scheduledWindow({ ...hourly, lagSeconds: 600 }, at('2026-11-21T12:09:59Z'));
    expect(window.to).toEqual(at('2026-11-21T11:00:00Z'));
  });

  it('may lie on a grid of its own', () => {
    const weekly = { lengthSeconds: 7 * 86_400, offsetSeconds: 345_600 };
    const { from, to } = scheduledWindow(weekly, at('2026-11-21T12:00:00Z'));
    expect([from, to]).toEqual([at('2026-11-09T00:00:00Z'), at('2026-11-16T00:00:00Z')]);
    expect(from.getUTCDay()).toBe(1);
  });

  it('is one of the windows before, and adjoins the next, whatever the time', () => {
    const cadence = fc.record({
      lengthSeconds: fc.integer({ min: 1, max: 10_000_000 }),
      offsetSeconds: fc.integer({ min: 0, max: 1_000_000 }),
      lagSeconds: fc.integer({ min: 0, max: 100_000 }),
    });
    fc.assert(
      fc.property(
        cadence,
        fc.date({ min: at('1990-01-01'), max: at('2090-01-01'), noInvalidDate: true }),
        (each, now) => {
          const window = scheduledWindow(each, now);
          const age = now.getTime() - window.to.getTime() - each.lagSeconds * 1000;
          expect(age).toBeGreaterThanOrEqual(0);
          expect(age).toBeLessThan(each.lengthSeconds * 1000);
          const next = scheduledWindow(each, new Date(now.getTime() + each.lengthSeconds * 1000));
          expect(next.from).toEqual(window.to);
        },
      ),
    );
  });
});

describe('filling back', () => {
  const now = at('2026-11-21T12:30:00Z');

  it('gives the windows that the schedule would have had, whole ones where the period cuts them', () => {
    const period = { from: at('2026-11-19T05:00:00Z'), to: at('2026-11-20T00:00:01Z') };
    expect(text(backfillWindows(daily, period, now))).toEqual([
      '2026-11-19T00:00:00.000Z/2026-11-20T00:00:00.000Z',
      '2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z',
    ]);
  });

  it('leaves what is not over to the schedule', () => {
    const period = { from: at('2026-11-20T00:00:00Z'), to: at('2027-01-01T00:00:00Z') };
    expect(text(backfillWindows(daily, period, now))).toEqual([
      '2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z',
    ]);
  });

  it.each([
    ['backfill-empty', { from: at('2026-11-21T00:00:00Z'), to: at('2026-11-22T00:00:00Z') }],
    ['backfill-empty', { from: at('2026-11-02T00:00:00Z'), to: at('2026-11-02T00:00:00Z') }],
    ['backfill-too-long', { from: at('1980-01-01T00:00:00Z'), to: at('2026-01-01T00:00:00Z') }],
  ])('answers %s for what makes no sense', (code, period) => {
    expect(() => backfillWindows(daily, period, now)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a grid without width', () => {
    expect(() => scheduledWindow({ lengthSeconds: 0 }, now)).toThrow(RangeError);
  });
});
