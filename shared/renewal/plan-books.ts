import { type Bucket, countedTat, fullBucket } from '../limits/bucket.ts';
import { type Meter, metersOf } from '../limits/demand.ts';
import { intervalMillisOf, unmetered, usableLimit } from '../limits/gcra.ts';
import { secondsAfter } from '../runtime/clock.ts';
import type { Candidate } from './candidates.ts';
import { type Booking, marks, type WaitingQueue } from './plan-bookings.ts';
import type { Place, PlanGround } from './plan-ground.ts';

interface Account {
  readonly meter: Meter;
  readonly bucket: Bucket;
  /** What earlier plans have booked still stands. */
  readonly stands: boolean;
  /** The TAT by what the bucket holds and what this plan sends off now. */
  tatMillis: number;
  /** The TAT once everything in the queue has been spent. */
  readonly untilMillis: Record<WaitingQueue, number>;
  readonly booked: Set<WaitingQueue>;
}

/** The state of the buckets while a plan is drawn up, round by round. */
export interface Books {
  /** The buckets as they stand behind everybody of a queue; those with a place stand behind the displaced, too. */
  behind(queue: WaitingQueue): ReadonlyMap<string, Bucket>;
  /** Counts those that go now, ahead of every queue. */
  sendOff(places: readonly Place<Candidate>[]): void;
  /** Counts those that go now at the end of the queue, and books for those that wait in it. */
  enter(places: readonly Place<Candidate>[], queue: WaitingQueue): void;
  bookings(): readonly Booking[];
}

/** Long enough for a worker to spend what a tick has sent it for. */
const idleSeconds = 900;

/**
 * Opens the books on the candidates' buckets. Where a bucket has lain full for a while, what was once booked there
 * has come to nothing, and is forgotten.
 */
export function openBooks(candidates: readonly Candidate[], ground: PlanGround): Books {
  const { buckets, now } = ground;
  const nowMillis = now.getTime();
  const metersOfCandidate = ({ demand }: Candidate) =>
    metersOf(demand, ground.limitsFor(demand.ca)).filter(({ limit }) => limit !== unmetered);
  const accounts = new Map<string, Account>();
  for (const meter of candidates.flatMap(metersOfCandidate))
    if (!accounts.has(meter.key)) accounts.set(meter.key, openAccount(meter, ground));
  const accountsOf = (item: Candidate) =>
    metersOfCandidate(item).flatMap((meter) => accounts.get(meter.key) ?? openLate(meter));
  // Another CA stands in for one of the candidates.
  const openLate = (meter: Meter): Account => {
    const account = openAccount(meter, ground);
    accounts.set(meter.key, account);
    return account;
  };
  const spend = (account: Account) => {
    account.tatMillis = Math.max(account.tatMillis, nowMillis) + intervalMillisOf(account.meter.limit);
  };
  const goNow = (places: readonly Place<Candidate>[]) => places.filter(({ at }) => at <= now);

  return {
    behind: (queue) =>
      new Map([
        ...buckets,
        ...[...accounts].map(([key, account]): [string, Bucket] => [
          key,
          { ...fullBucket, tat: new Date(endOf(account, queue)) },
        ]),
      ]),
    sendOff(places) {
      for (const { item } of goNow(places)) accountsOf(item).forEach(spend);
    },
    enter(places, queue) {
      for (const { item } of goNow(places))
        for (const account of accountsOf(item)) {
          const end = Math.max(endOf(account, queue), nowMillis);
          account.untilMillis[queue] = end + intervalMillisOf(account.meter.limit);
          spend(account);
          // Its worker has yet to spend; the tick after this one must not give the same token away again.
          if (account.meter.kind === 'orders') account.booked.add(queue);
        }
      for (const { at, bucket } of places) {
        const account = accounts.get(bucket ?? '');
        if (at <= now || !account) continue;
        const { limit } = account.meter;
        const spentMillis = at.getTime() + usableLimit(limit).burst * intervalMillisOf(limit);
        account.untilMillis[queue] = Math.max(account.untilMillis[queue], spentMillis);
        account.booked.add(queue);
      }
    },
    bookings: () =>
      [...accounts].flatMap(([key, account]) =>
        [...account.booked].map((queue) => ({
          bucket: key,
          queue,
          read: account.bucket[marks[queue]],
          begunAt: account.stands ? undefined : now,
          until: new Date(account.untilMillis[queue]),
        })),
      ),
  };
}

function openAccount(meter: Meter, { buckets, now }: PlanGround): Account {
  const bucket = buckets.get(meter.key) ?? fullBucket;
  const { plannedUntil, displacedUntil } = bucket;
  const tatMillis = countedTat(bucket, { limit: meter.limit, now }).getTime();
  const stands = plannedUntil !== undefined && tatMillis > secondsAfter(now, -idleSeconds).getTime();
  const millisOf = (mark: Date | undefined) => (stands && mark ? mark.getTime() : 0);
  const untilMillis = { planned: millisOf(plannedUntil), displaced: millisOf(displacedUntil) };
  return { meter, bucket, stands, tatMillis, untilMillis, booked: new Set() };
}

const endOf = ({ tatMillis, untilMillis }: Account, queue: WaitingQueue): number =>
  Math.max(tatMillis, untilMillis.displaced, queue === 'planned' ? untilMillis.planned : 0);
