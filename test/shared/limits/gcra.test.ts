import { describe, expect, it } from 'vitest';
import {
  decideSpend,
  intervalMillisOf,
  type Limit,
  unmetered,
  usableLimit,
} from '../../../shared/limits/gcra.ts';
import { noon } from '../../support/builders.ts';

const limit: Limit = { burst: 4, periodSeconds: 40 };
const at = (seconds: number) => new Date(noon.getTime() + seconds * 1000);

describe('a spend', () => {
  it('takes a burst at once and one token per refill interval after that', () => {
    let tat: Date | undefined;
    const remaining = [0, 1, 2, 3].map(() => {
      const decision = decideSpend(limit, tat, 1, noon);
      tat = decision.tat;
      return decision.remaining;
    });
    expect(remaining).toEqual([3, 2, 1, 0]);
    expect(decideSpend(limit, tat, 1, noon)).toEqual({ allowed: false, tat, remaining: 0, retryAt: at(10) });
    expect(decideSpend(limit, tat, 1, at(9.999)).allowed).toBe(false);
    expect(decideSpend(limit, tat, 1, at(10)).allowed).toBe(true);
  });

  it('finds no more than a burst, however long nothing was spent', () => {
    expect(decideSpend(limit, at(-100_000), 1, noon).remaining).toBe(3);
  });

  it('of several tokens is taken whole or not at all', () => {
    const { tat } = decideSpend(limit, undefined, 3, noon);
    expect(decideSpend(limit, tat, 2, noon)).toMatchObject({
      allowed: false,
      tat,
      remaining: 1,
      retryAt: at(10),
    });
    expect(decideSpend(limit, undefined, 5, noon).allowed).toBe(false);
  });

  it('of an unmetered bucket is refused only while it is held off', () => {
    expect(decideSpend(unmetered, noon, 1, noon)).toMatchObject({ allowed: true, tat: noon });
    expect(decideSpend(unmetered, at(60), 1, noon)).toMatchObject({ allowed: false, retryAt: at(60) });
  });
});

describe('the usable part of a published limit', () => {
  it.each([
    [300, 270],
    [50, 45],
    [5, 4],
    [2, 1],
    [1, 1],
    [30_000, 2000],
  ])('of a burst of %i is %i', (burst, usable) => {
    expect(usableLimit({ burst, periodSeconds: 10_800 }).burst).toBe(usable);
  });

  it('refills as the published limit does, and never faster', () => {
    for (const burst of [300, 50, 7, 1]) {
      const published = { burst, periodSeconds: 604_800 };
      expect(intervalMillisOf(usableLimit(published))).toBe(intervalMillisOf(published));
      expect(intervalMillisOf(published)).toBeGreaterThanOrEqual((published.periodSeconds * 1000) / burst);
    }
    expect(intervalMillisOf({ burst: 3, periodSeconds: 0.01 })).toBe(4);
  });

  it('covers differences of its margin times the refill interval exactly', () => {
    const published = { burst: 50, periodSeconds: 500 };
    const marginMillis = 5 * 10_000;
    const grantsSeenBy = (fastMillis: number) => {
      let [ours, granted] = [undefined as Date | undefined, 0];
      // A slow clock empties the bucket, a fast one finds refilled what is not.
      for (const offset of [0, fastMillis])
        for (;;) {
          const now = new Date(noon.getTime() + offset);
          const decision = decideSpend(usableLimit(published), ours, 1, now);
          if (!decision.allowed) break;
          ours = decision.tat;
          granted += 1;
        }
      return granted;
    };
    expect(grantsSeenBy(marginMillis)).toBe(published.burst);
    expect(grantsSeenBy(marginMillis + 10_000)).toBe(published.burst + 1);
  });
});
