import { describe, expect, it } from 'vitest';
import { TokenBuckets } from '../../../local/ca/token-buckets.ts';
import { aStoppedClock } from './subscriber.ts';

/** Three at once, one per minute. */
const rate = { burst: 3, periodSeconds: 180 };

function someBuckets(timeScale = 1) {
  const clock = aStoppedClock();
  const buckets = new TokenBuckets({ clock, timeScale });
  const take = (count: number) => Array.from({ length: count }, () => buckets.take('a', rate));
  return { clock, buckets, take };
}

describe('a token bucket', () => {
  it('starts full and goes no lower than empty', () => {
    const { clock, buckets, take } = someBuckets();
    expect(take(5)).toEqual([true, true, true, false, false]);
    expect(buckets.secondsUntilToken('a', rate)).toBeCloseTo(60, 6);
    clock.move(60);
    expect(take(2)).toEqual([true, false]);
  });

  it('refills all the time and not beyond its burst', () => {
    const { clock, buckets, take } = someBuckets();
    take(3);
    clock.move(45);
    expect(buckets.secondsUntilToken('a', rate)).toBeCloseTo(15, 6);
    clock.move(10_000);
    expect(take(4)).toEqual([true, true, true, false]);
  });

  it('has a token when the wait that it named is over, however odd the rate', () => {
    const clock = aStoppedClock();
    const buckets = new TokenBuckets({ clock, timeScale: 7 });
    const odd = { burst: 7, periodSeconds: 604_800 };
    for (let spent = 0; spent < 50; spent += 1) {
      // The clock shows whole milliseconds.
      clock.move(Math.ceil(buckets.secondsUntilToken('a', odd) * 1000) / 1000);
      expect(buckets.take('a', odd)).toBe(true);
    }
  });

  it('takes back what was spent, up to its burst', () => {
    const { buckets, take } = someBuckets();
    take(3);
    buckets.giveBack('a', rate);
    expect(take(2)).toEqual([true, false]);
    for (let times = 0; times < 9; times += 1) buckets.giveBack('a', rate);
    expect(take(4)).toEqual([true, true, true, false]);
  });

  it('refills faster where time runs faster, and names the wait by the clock', () => {
    const { clock, buckets, take } = someBuckets(60);
    take(3);
    expect(buckets.secondsUntilToken('a', rate)).toBeCloseTo(1, 6);
    clock.move(2);
    expect(take(3)).toEqual([true, true, false]);
  });

  it('gains nothing from a clock that is set back', () => {
    const { clock, take } = someBuckets();
    take(3);
    clock.move(-3600);
    expect(take(1)).toEqual([false]);
  });

  it('knows nothing of its neighbours', () => {
    const { buckets, take } = someBuckets();
    take(3);
    expect(buckets.take('b', rate)).toBe(true);
  });
});
