import { type Clock, secondsAfter } from '../runtime/clock.ts';
import {
  type Bucket,
  charge,
  commit,
  fullBucket,
  hold,
  holdOff,
  inspect,
  release,
  spend,
  type Taking,
  unspend,
} from './bucket.ts';
import { failuresKey, holderMark } from './bucket-keys.ts';
import type { BucketStore } from './bucket-store.ts';
import { type Demand, type Meter, metersOf, metersOfIssuance } from './demand.ts';
import { unmetered } from './gcra.ts';
import type { CaLimits } from './published-limits.ts';
import { metersOfRefusal, type Refusal } from './refusal.ts';

export type Reservation =
  | { readonly kind: 'granted'; readonly buckets: readonly string[] }
  /** `freeAt` is a forecast: others may be quicker, or give back. */
  | { readonly kind: 'denied'; readonly bucket: string; readonly freeAt: Date };

/**
 * A CA's limits, shared by all workers: what it would refuse is not asked. Tokens are taken before newOrder,
 * counted when the CA counts them, and given back only when it certainly did not.
 * Failures: `store-busy`, `store-unavailable`.
 */
export interface Limiter {
  /**
   * Takes one token from every bucket the order needs, or none. A repeated call of the same holder keeps what is
   * held; its order is paid again, since the CA counts every newOrder, also one that repeats another whose answer
   * was lost. So place the order at once, and release it as not created when it is not going to be.
   */
  reserve(demand: Demand): Promise<Reservation>;
  /** The certificate was issued: the CA counts it now. Without a reservation it is counted all the same. */
  commit(demand: Demand): Promise<void>;
  /** No certificate will come of it. The order itself stays counted unless it certainly was not created. */
  release(demand: Demand, fate: { readonly orderCreated: boolean }): Promise<void>;
  /** Counts a failed authorization of each name, a deactivated pending one included. */
  recordFailedAuthorizations(ca: string, account: string, names: readonly string[]): Promise<void>;
  /** A refusal by the CA: nobody asks again before its Retry-After, or for a week where it says longer. */
  learn(ca: string, account: string, refusal: Refusal): Promise<void>;
}

interface Taken {
  readonly meter: Meter;
  readonly until: Date;
}

/** The order begins to live only when it is placed, which a hold has to outlast. */
const placingSeconds = 3600;
/** No published limit refills slower; a longer Retry-After is a mistake, and nobody would undo it. */
const longestHoldOffSeconds = 7 * 86_400;

export function createLimiter({
  store,
  limitsFor,
  clock,
}: {
  store: BucketStore;
  /** The limits as the CA publishes them. */
  limitsFor: (ca: string) => CaLimits;
  clock: Clock;
}): Limiter {
  const update = (key: string, change: (bucket: Bucket) => Bucket) =>
    store.update(key, (state = fullBucket) => {
      const changed = change(state);
      return { state: changed === state ? undefined : changed, result: undefined };
    });

  const take = (meter: Meter, demand: Demand): Promise<{ decision: Taking['decision']; taken?: Taken }> =>
    store.update(meter.key, (state = fullBucket) => {
      const now = clock.now();
      const holder = holderMark(demand.holder);
      const metering = { limit: meter.limit, now, holder };
      const held = state.holds[holder];
      const until = secondsAfter(now, limitsFor(demand.ca).orderLifetimeSeconds + placingSeconds);
      const { bucket, decision } =
        meter.kind === 'orders' ? spend(state, metering) : hold(state, { ...metering, until });
      if (!decision.allowed) return { result: { decision } };
      return { state: bucket, result: held ? { decision } : { decision, taken: { meter, until } } };
    });

  const giveBack = async (taken: readonly Taken[], holder: string) => {
    for (const { meter, until } of taken)
      await update(meter.key, (bucket) => release(bucket, holderMark(holder), until));
  };

  return {
    async reserve(demand) {
      const meters = metersOf(demand, limitsFor(demand.ca));
      const holder = holderMark(demand.holder);
      const now = clock.now();
      const states = await store.read(meters.map(({ key }) => key));
      const denials = meters.flatMap(({ key, limit }) => {
        const state = states.get(key) ?? fullBucket;
        const { allowed, retryAt } = inspect(state, { limit, now });
        return allowed || state.holds[holder] ? [] : [{ bucket: key, freeAt: retryAt }];
      });
      const [furthest] = denials.sort((a, b) => b.freeAt.getTime() - a.freeAt.getTime());
      if (furthest) return { kind: 'denied', ...furthest };
      const metered = meters.filter(({ limit }) => limit !== unmetered);
      const taken: Taken[] = [];
      for (const meter of metered) {
        const { decision, taken: one } = await take(meter, demand);
        if (one) taken.push(one);
        if (decision.allowed) continue;
        await giveBack(taken, demand.holder);
        return { kind: 'denied', bucket: meter.key, freeAt: decision.retryAt };
      }
      return { kind: 'granted', buckets: metered.map(({ key }) => key) };
    },

    async commit(demand) {
      const limits = limitsFor(demand.ca);
      const holder = holderMark(demand.holder);
      for (const { key, limit } of metersOfIssuance(demand, limits))
        await update(key, (bucket) => commit(bucket, { limit, now: clock.now(), holder }));
      for (const { key, kind } of metersOf(demand, limits))
        if (kind === 'failures') await update(key, (bucket) => release(bucket, holder));
    },

    async release(demand, { orderCreated }) {
      const holder = holderMark(demand.holder);
      for (const { key, kind, limit } of metersOf(demand, limitsFor(demand.ca))) {
        if (limit === unmetered || (kind === 'orders' && orderCreated)) continue;
        await update(key, (bucket) =>
          kind === 'orders' ? unspend(bucket, holder) : release(bucket, holder),
        );
      }
    },

    async recordFailedAuthorizations(ca, account, names) {
      const limit = limitsFor(ca).failedAuthorizations;
      if (!limit) return;
      for (const key of new Set(names.map((name) => failuresKey(ca, { account, name }))))
        await update(key, (bucket) => charge(bucket, { limit, now: clock.now() }));
    },

    async learn(ca, account, refusal) {
      const until = secondsAfter(clock.now(), Math.min(refusal.retryAfterSeconds, longestHoldOffSeconds));
      for (const { key, limit } of metersOfRefusal({ ca, account, refusal, limits: limitsFor(ca) }))
        await update(key, (bucket) => holdOff(bucket, { limit, until }));
    },
  };
}
