import { describe, expect, it } from 'vitest';
import { classOf, decideRetry } from '../../../../shared/etl/ledger/failure-class.ts';
import { type Disposition, Failure } from '../../../../shared/runtime/errors.ts';
import { noon, secondsLater } from './builders.ts';

const aFailure = (disposition: Disposition, retryAfterSeconds?: number) =>
  new Failure({ code: 'x', disposition, message: 'y', retryAfterSeconds });
const decide = (failure: Failure, tries: { failures?: number; throttles?: number }, chance = 0.5) =>
  decideRetry(failure, { tries: { failures: 0, throttles: 0, ...tries }, now: noon, random: () => chance });

describe('a failure', () => {
  it.each<[Disposition, string]>([
    ['retry', 'transient'],
    ['retry-after', 'throttled'],
    ['give-up', 'terminal'],
    ['bug', 'terminal'],
    ['quarantine', 'poison'],
  ])('that says %s is %s', (disposition, expected) => {
    expect(classOf(aFailure(disposition))).toBe(expected);
  });

  it('that is transient is tried again three times, later each time', () => {
    const pauses = [0, 1, 2].map((failures) => decide(aFailure('retry'), { failures }));
    expect(pauses).toMatchObject([
      { kind: 'again', at: secondsLater(30), tries: { failures: 1 } },
      { kind: 'again', at: secondsLater(120), tries: { failures: 2 } },
      { kind: 'again', at: secondsLater(600), tries: { failures: 3 } },
    ]);
    expect(decide(aFailure('retry'), { failures: 3 })).toMatchObject({
      kind: 'fail',
      tries: { failures: 4 },
    });
  });

  it('does not bring all chunks back at once', () => {
    expect(decide(aFailure('retry'), {}, 0)).toMatchObject({ at: secondsLater(24) });
    expect(decide(aFailure('retry'), {}, 1)).toMatchObject({ at: secondsLater(36) });
  });

  it.each([
    [undefined, 30],
    [5, 30],
    [300, 300],
    [86_400, 3600],
  ])('that throttles for %s s is tried again after %d s and uses up no try', (asked, pause) => {
    expect(decide(aFailure('retry-after', asked), { failures: 3 })).toEqual({
      kind: 'again',
      at: secondsLater(pause),
      tries: { failures: 3, throttles: 1 },
    });
  });

  it('that throttles without end is no longer tried', () => {
    expect(decide(aFailure('retry-after'), { throttles: 99 }).kind).toBe('again');
    expect(decide(aFailure('retry-after'), { throttles: 100 }).kind).toBe('fail');
  });

  it.each<Disposition>(['give-up', 'quarantine', 'bug'])('that says %s is not tried again', (disposition) => {
    expect(decide(aFailure(disposition), {}).kind).toBe('fail');
  });
});
