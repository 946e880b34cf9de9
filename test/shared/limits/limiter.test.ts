import { beforeEach, describe, expect, it } from 'vitest';
import { inspect } from '../../../shared/limits/bucket.ts';
import { createMemoryBucketItems } from '../../../shared/limits/bucket-store.memory.ts';
import { type BucketStore, createBucketStore } from '../../../shared/limits/bucket-store.ts';
import type { Demand } from '../../../shared/limits/demand.ts';
import { createLimiter, type Limiter } from '../../../shared/limits/limiter.ts';
import { type CaLimits, publishedLimits } from '../../../shared/limits/published-limits.ts';
import { noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const account = 'acct/1';
const hourMillis = 3_600_000;
const aDemand = (changes: Partial<Demand> = {}): Demand => ({
  ca: 'lets-encrypt',
  account,
  domains: ['www.example.com'],
  exemption: 'none',
  holder: 'www.example.com#1',
  ...changes,
});

let clock: ReturnType<typeof createFakeClock>;
let store: BucketStore;
let limiter: Limiter;
beforeEach(() => {
  clock = createFakeClock(noon);
  store = createBucketStore(createMemoryBucketItems(), { clock, random: () => 0.5 });
  limiter = createLimiter({ store, clock, limitsFor: publishedLimits });
});

/** What the CA would count, by the bucket's row. */
async function leftIn(key: string, row: keyof CaLimits): Promise<number> {
  const limit = publishedLimits('lets-encrypt')[row];
  if (typeof limit !== 'object' || !('periodSeconds' in limit)) throw new Error(`${row} is no limit`);
  const bucket = (await store.read([key])).get(key) ?? { spends: [], holds: {} };
  const { allowed, remaining } = inspect(bucket, { limit, now: clock.now() });
  return allowed ? remaining + 1 : 0;
}
const ordersLeft = () => leftIn('lets-encrypt/orders/acct/1', 'ordersPerAccount');
const domainLeft = (domain = 'example.com') =>
  leftIn(`lets-encrypt/domain/${domain}`, 'certificatesPerDomain');
const failuresLeft = (name = 'www.example.com') =>
  leftIn(`lets-encrypt/failures/acct/1/${name}`, 'failedAuthorizations');

describe('a reservation', () => {
  it('takes one token from each bucket that Boulder asks, orders last', async () => {
    const reservation = await limiter.reserve(
      aDemand({ domains: ['*.b.example', 'b.example', 'a.example'] }),
    );
    expect(reservation).toEqual({
      kind: 'granted',
      buckets: [
        expect.stringMatching(/^lets-encrypt\/set\//),
        'lets-encrypt/failures/acct/1/a.example',
        'lets-encrypt/failures/acct/1/b.example',
        'lets-encrypt/domain/a.example',
        'lets-encrypt/domain/b.example',
        'lets-encrypt/orders/acct/1',
      ],
    });
    expect([await domainLeft('a.example'), await domainLeft('b.example'), await ordersLeft()]).toEqual([
      44, 44, 269,
    ]);
  });

  it('is denied with the bucket that frees last, and takes nothing then', async () => {
    for (let index = 0; index < 45; index++)
      await limiter.reserve(aDemand({ domains: [`h${index}.example.com`], holder: `h${index}` }));
    const before = await ordersLeft();
    const denied = await limiter.reserve(aDemand());
    expect(denied).toEqual({
      kind: 'denied',
      bucket: 'lets-encrypt/domain/example.com',
      freeAt: new Date(noon.getTime() + 12_096_000),
    });
    expect(await ordersLeft()).toBe(before);
  });

  it('gives back what it took when a later bucket is empty, having looked full', async () => {
    await limiter.learn('lets-encrypt', account, { limit: 'orders', names: [], retryAfterSeconds: 60 });
    const blind = { ...store, read: async () => new Map() };
    const hasty = createLimiter({ store: blind, clock, limitsFor: publishedLimits });
    expect(await hasty.reserve(aDemand())).toEqual({
      kind: 'denied',
      bucket: 'lets-encrypt/orders/acct/1',
      freeAt: new Date(noon.getTime() + 60_000),
    });
    expect([await domainLeft(), await failuresLeft()]).toEqual([45, 4]);
  });

  it('leaves a late worker nothing to give back that another has taken over since', async () => {
    await limiter.learn('lets-encrypt', account, { limit: 'orders', names: [], retryAfterSeconds: 60 });
    let resumed: Promise<unknown> | undefined;
    const other = createLimiter({ store, clock, limitsFor: publishedLimits });
    const interrupted: BucketStore = {
      ...store,
      read: async () => new Map(),
      update(key, change) {
        // After the late worker has taken the domain, the certificate's next worker holds all of it.
        if (key.includes('/orders/') && !resumed) {
          clock.advance(60_000);
          resumed = other.reserve(aDemand());
          return resumed.then(() => store.update(key, change));
        }
        return store.update(key, change);
      },
    };
    const late = createLimiter({ store: interrupted, clock, limitsFor: publishedLimits });
    expect(await late.reserve(aDemand())).toMatchObject({ kind: 'denied' });
    expect(await resumed).toMatchObject({ kind: 'granted' });
    expect([await domainLeft(), await failuresLeft()]).toEqual([44, 3]);
  });

  it('of a resumed worker holds no second token, and pays the order it is going to repeat', async () => {
    await limiter.reserve(aDemand());
    clock.advance(60_000);
    await limiter.reserve(aDemand());
    expect([await domainLeft(), await failuresLeft()]).toEqual([44, 3]);
    // One of the two has refilled meanwhile.
    expect(await ordersLeft()).toBe(269);
  });

  it('of the same set asks for neither orders nor domains; one inside its ARI window asks for nothing', async () => {
    expect(await limiter.reserve(aDemand({ exemption: 'same-set' }))).toEqual({
      kind: 'granted',
      buckets: [expect.stringContaining('/set/'), 'lets-encrypt/failures/acct/1/www.example.com'],
    });
    expect(await limiter.reserve(aDemand({ exemption: 'ari' }))).toEqual({ kind: 'granted', buckets: [] });
    expect([await ordersLeft(), await domainLeft()]).toEqual([270, 45]);
  });

  it('writes nothing for a CA that publishes no limits', async () => {
    const readOnly = { ...store, update: () => Promise.reject(new Error('written')) };
    const idle = createLimiter({ store: readOnly, clock, limitsFor: publishedLimits });
    expect(await idle.reserve(aDemand({ ca: 'custom' }))).toEqual({ kind: 'granted', buckets: [] });
    await idle.commit(aDemand({ ca: 'custom' }));
    await idle.release(aDemand({ ca: 'custom' }), { orderCreated: false });
  });
});

describe('an issued certificate', () => {
  it('spends what was held, however late it comes', async () => {
    await limiter.reserve(aDemand());
    clock.advance(5 * hourMillis);
    expect(await domainLeft()).toBe(44);
    await limiter.commit(aDemand());
    expect([await domainLeft(), await failuresLeft()]).toEqual([44, 4]);
    clock.advance(12_096_000);
    expect(await domainLeft()).toBe(45);
  });

  it('by ARI counts for its set, and for its domains when the names have changed', async () => {
    await limiter.commit(aDemand({ exemption: 'ari' }));
    expect(await domainLeft()).toBe(45);
    await limiter.commit(aDemand({ exemption: 'ari-changed-set' }));
    expect(await domainLeft()).toBe(44);
    for (const holder of ['a', 'b'])
      expect(await limiter.reserve(aDemand({ exemption: 'same-set', holder }))).toMatchObject({
        kind: 'granted',
      });
    expect(await limiter.reserve(aDemand({ exemption: 'same-set', holder: 'c' }))).toMatchObject({
      kind: 'denied',
      bucket: expect.stringContaining('/set/'),
    });
  });
});

describe('an order that comes to nothing', () => {
  it('gives back everything when it certainly was not created, and all but itself otherwise', async () => {
    await limiter.reserve(aDemand());
    await limiter.release(aDemand(), { orderCreated: false });
    expect([await domainLeft(), await ordersLeft()]).toEqual([45, 270]);
    await limiter.reserve(aDemand());
    await limiter.release(aDemand(), { orderCreated: true });
    expect([await domainLeft(), await ordersLeft()]).toEqual([45, 269]);
  });

  it('counts its failed authorizations, until the name is denied', async () => {
    for (let failure = 0; failure < 4; failure++)
      await limiter.recordFailedAuthorizations('lets-encrypt', account, ['*.example.com', 'example.com']);
    const demand = aDemand({ domains: ['example.com'] });
    expect(await limiter.reserve(demand)).toEqual({
      kind: 'denied',
      bucket: 'lets-encrypt/failures/acct/1/example.com',
      freeAt: new Date(noon.getTime() + 12 * 60_000),
    });
    expect(await limiter.reserve(aDemand())).toMatchObject({ kind: 'granted' });
  });
});

describe('a refusal by the CA', () => {
  const retryAfterSeconds = 600;
  const freeAt = new Date(noon.getTime() + 600_000);

  it.each([
    ['orders', 'lets-encrypt/orders/acct/1'],
    ['domain', 'lets-encrypt/domain/example.com'],
    ['set', expect.stringContaining('/set/')],
    ['failed-authorizations', 'lets-encrypt/failures/acct/1/www.example.com'],
    ['unknown', 'lets-encrypt/orders/acct/1'],
  ] as const)('for its limit of %s holds off those it concerns', async (limit, bucket) => {
    await limiter.learn('lets-encrypt', account, { limit, names: ['www.example.com'], retryAfterSeconds });
    expect(await limiter.reserve(aDemand())).toEqual({ kind: 'denied', bucket, freeAt });
    clock.advance(600_000);
    expect(await limiter.reserve(aDemand())).toMatchObject({ kind: 'granted' });
  });

  it('holds off for a week at most, whatever the CA says', async () => {
    const retryAfterSeconds = 999_999_999;
    await limiter.learn('lets-encrypt', account, { limit: 'orders', names: [], retryAfterSeconds });
    clock.advance(7 * 86_400_000);
    expect(await limiter.reserve(aDemand())).toMatchObject({ kind: 'granted' });
  });

  it('by a CA that publishes nothing holds off all orders of the account', async () => {
    await limiter.learn('zerossl', account, { limit: 'domain', names: ['a.example'], retryAfterSeconds });
    expect(await limiter.reserve(aDemand({ ca: 'zerossl' }))).toEqual({
      kind: 'denied',
      bucket: 'zerossl/orders/acct/1',
      freeAt,
    });
    expect(await limiter.reserve(aDemand({ ca: 'zerossl', account: 'acct/2' }))).toMatchObject({
      kind: 'granted',
    });
    clock.advance(600_000);
    expect(await limiter.reserve(aDemand({ ca: 'zerossl' }))).toMatchObject({ kind: 'granted' });
  });

  it('for requests a second holds off the endpoint, or all of them when it is not known', async () => {
    await limiter.learn('lets-encrypt', account, {
      limit: 'requests',
      names: [],
      retryAfterSeconds: 1,
      endpoint: 'newOrder',
    });
    const keys = ['newOrder', 'acme'].map((endpoint) => `lets-encrypt/requests/${endpoint}`);
    expect([...(await store.read(keys)).keys()]).toEqual([keys[0]]);
    await limiter.learn('lets-encrypt', account, { limit: 'requests', names: [], retryAfterSeconds: 1 });
    expect([...(await store.read(keys)).keys()]).toEqual(keys);
  });
});
