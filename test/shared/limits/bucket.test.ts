import { describe, expect, it } from 'vitest';
import {
  type Bucket,
  charge,
  commit,
  countedTat,
  fullBucket,
  hold,
  holdOff,
  inspect,
  release,
  spend,
  unspend,
} from '../../../shared/limits/bucket.ts';
import { noon } from '../../support/builders.ts';

/** Usable: 4 at once, one more each 10 s. */
const limit = { burst: 5, periodSeconds: 50 };
const at = (seconds: number) => new Date(noon.getTime() + seconds * 1000);
const left = (bucket: Bucket, seconds = 0) => {
  const { allowed, remaining } = inspect(bucket, { limit, now: at(seconds) });
  return allowed ? remaining + 1 : 0;
};
const spentBy = (holder: string, bucket: Bucket, seconds = 0) =>
  spend(bucket, { limit, holder, now: at(seconds) }).bucket;
const heldBy = (holder: string, bucket: Bucket, seconds = 0) =>
  hold(bucket, { limit, holder, now: at(seconds), until: at(seconds + 1000) }).bucket;

describe('a spent token', () => {
  it('refills', () => {
    const bucket = spentBy('a', fullBucket);
    expect([left(bucket), left(bucket, 10)]).toEqual([3, 4]);
  });

  it('is spent again by the same holder, since the CA counts every order', () => {
    expect(left(spentBy('a', spentBy('a', fullBucket)))).toBe(2);
  });

  it('taken back leaves the bucket that would have been without it, whatever came after', () => {
    const without = [3, 3, 12, 12].reduce((bucket, second) => spentBy('b', bucket, second), fullBucket);
    const first = spentBy('a', fullBucket);
    const among = [1, 2].reduce((bucket, second) => spentBy('b', bucket, second), first);
    expect(left(unspend(among, 'a'), 2)).toBe(2);
    const second = spentBy('a', spentBy('b', fullBucket), 2);
    expect(countedTat(unspend(second, 'a'), { limit, now: at(2) })).toEqual(at(10));
    const later = spentBy('a', without, 12.5);
    expect(countedTat(unspend(later, 'a'), { limit, now: at(12.5) })).toEqual(
      countedTat(without, { limit, now: at(12.5) }),
    );
  });

  it('is given back but once, and not at all to somebody who spent none', () => {
    const bucket = spentBy('a', fullBucket);
    expect(left(unspend(unspend(bucket, 'a'), 'a'))).toBe(4);
    expect(unspend(bucket, 'b')).toBe(bucket);
  });

  it('is final after a while, so that a bucket stays small', () => {
    const bucket = spentBy('b', spentBy('a', fullBucket), 30);
    expect(bucket.spends.map(({ holder }) => holder)).toEqual(['b']);
    expect(bucket.tat).toEqual(at(10));
  });
});

describe('a held token', () => {
  it('does not refill', () => {
    const bucket = heldBy('a', fullBucket);
    expect([left(bucket), left(bucket, 500)]).toEqual([3, 3]);
  });

  it('is one token however often its holder asks, also where there is no other', () => {
    const full = ['a', 'b', 'c', 'd'].reduce((bucket, holder) => heldBy(holder, bucket), fullBucket);
    expect(left(full)).toBe(0);
    const metering = { limit, now: noon, until: at(1000) };
    expect(hold(full, { ...metering, holder: 'a' }).decision.allowed).toBe(true);
    expect(hold(full, { ...metering, holder: 'e' }).decision).toMatchObject({
      allowed: false,
      retryAt: at(10),
    });
  });

  it('is spent when the CA counts it, from then on', () => {
    const bucket = commit(heldBy('a', fullBucket), { limit, now: at(100), holder: 'a' });
    expect([left(bucket, 100), left(bucket, 109), left(bucket, 110)]).toEqual([3, 3, 4]);
  });

  it('is there again when it is released, and only for whom it was taken so long', () => {
    const bucket = heldBy('a', fullBucket);
    expect(left(release(bucket, 'a'))).toBe(4);
    expect(left(release(bucket, 'a', at(1000)))).toBe(4);
    expect(left(release(heldBy('a', bucket), 'a', at(1000)))).toBe(3);
  });

  it('counts as spent when its time runs out, since nobody knows what became of it', () => {
    const bucket = heldBy('a', fullBucket);
    expect([left(bucket, 999), left(bucket, 1000), left(bucket, 1009), left(bucket, 1010)]).toEqual([
      3, 3, 3, 4,
    ]);
  });
});

describe('what was not asked for', () => {
  it('is counted all the same, down to an empty bucket of the CA', () => {
    let bucket = commit(fullBucket, { limit, now: noon, holder: 'nobody' });
    expect(left(bucket)).toBe(3);
    for (let times = 0; times < 20; times++) bucket = charge(bucket, { limit, now: noon });
    expect(inspect(bucket, { limit, now: noon }).retryAt).toEqual(at(20));
  });
});

describe('a refusal by the CA', () => {
  it('leaves no token before its time, then one, then the refill', () => {
    const bucket = holdOff(fullBucket, { limit, until: at(300) });
    expect([left(bucket, 299.999), left(bucket, 300), left(bucket, 310)]).toEqual([0, 1, 2]);
  });

  it('never brings a slot nearer', () => {
    const empty = ['a', 'b', 'c', 'd'].reduce((bucket, holder) => spentBy(holder, bucket), fullBucket);
    expect(inspect(holdOff(empty, { limit, until: at(1) }), { limit, now: noon }).retryAt).toEqual(at(10));
  });
});
