import { describe, expect, test } from 'vitest';
import { nextFiring, parseSchedule } from '../../../local/aws/schedule-expression.ts';

const next = (expression: string, after: string) =>
  nextFiring(parseSchedule(expression), new Date(after))?.toISOString();

describe('nextFiring', () => {
  test.each([
    ['rate(1 minute)', '2026-11-21T10:00:30.000Z', '2026-11-21T10:01:30.000Z'],
    ['rate(2 hours)', '2026-11-21T23:00:00.000Z', '2026-11-22T01:00:00.000Z'],
    ['rate(1 day)', '2026-12-31T10:00:00.000Z', '2027-01-01T10:00:00.000Z'],
    ['cron(0 3 * * ? *)', '2026-11-21T02:59:59.000Z', '2026-11-21T03:00:00.000Z'],
    ['cron(0 3 * * ? *)', '2026-11-21T03:00:00.000Z', '2026-11-22T03:00:00.000Z'],
    ['cron(*/15 * * * ? *)', '2026-11-21T10:46:00.000Z', '2026-11-21T11:00:00.000Z'],
    ['cron(5/20 8-9 * * ? *)', '2026-11-21T09:46:00.000Z', '2026-11-22T08:05:00.000Z'],
    ['cron(30 6 ? * MON-FRI *)', '2026-11-20T07:00:00.000Z', '2026-11-23T06:30:00.000Z'],
    ['cron(0 0 31 * ? *)', '2026-11-01T00:00:00.000Z', '2026-12-31T00:00:00.000Z'],
    ['cron(0 0 29 FEB ? *)', '2026-03-01T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['cron(0 12 1 JAN,JUL ? 2028)', '2026-01-01T00:00:00.000Z', '2028-01-01T12:00:00.000Z'],
  ])('%s after %s fires at %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test('a schedule whose last year is over fires no more', () => {
    expect(next('cron(0 0 1 1 ? 2026)', '2026-11-21T00:00:00.000Z')).toBeUndefined();
  });

  test.each([
    'rate(0 minutes)',
    'rate(1 week)',
    'every day',
    'cron(0 3 * * *)',
    'cron(0 3 * * * *)',
    'cron(60 3 * * ? *)',
    'cron(0 3 L * ? *)',
    'cron(0 3 ? * 2#1 *)',
    'cron(0/0 3 * * ? *)',
    'cron(9-5 3 * * ? *)',
  ])('%s is refused', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(`schedule ${expression}`);
  });
});
