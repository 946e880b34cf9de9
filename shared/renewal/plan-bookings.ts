import { type Bucket, fullBucket } from '../limits/bucket.ts';
import { ordersKey } from '../limits/bucket-keys.ts';
import type { BucketStore } from '../limits/bucket-store.ts';
import type { Demand } from '../limits/demand.ts';
import { settleBounded, throwFirstFailure } from '../runtime/concurrency.ts';

/**
 * Two queues wait for a bucket: those with a place in the plan, and those whose place has come and who found the
 * token gone, because somebody had to order twice.
 */
export type WaitingQueue = 'planned' | 'displaced';
/** Where a bucket keeps how far each is booked. */
export const marks = { planned: 'plannedUntil', displaced: 'displacedUntil' } as const;

/** What a plan leaves behind in a bucket: the TAT once a queue has been spent. */
export interface Booking {
  readonly bucket: string;
  readonly queue: WaitingQueue;
  /** What it replaces; a plan made meanwhile is kept where it reaches further. */
  readonly read?: Date | undefined;
  readonly until: Date;
  /** Set where nothing was booked before. */
  readonly begunAt?: Date | undefined;
}

const bucketsAtOnce = 8;

/**
 * Keeps the bookings in the buckets, where the plans that follow find them. Repeated or made twice they change
 * nothing more; lost, some certificates share a place and one of them is planned again.
 */
export async function keepBookings(store: BucketStore, bookings: readonly Booking[]): Promise<void> {
  const kept = await settleBounded(bookings, bucketsAtOnce, (booking) =>
    store.update(booking.bucket, (state = fullBucket) => ({
      state: keep(state, booking),
      result: undefined,
    })),
  );
  throwFirstFailure(kept);
}

/**
 * Keeps, beside the orders bucket of each account, the last place that was given there, whichever limit it waits
 * for: the date at which the backlog ends.
 */
export async function keepLastPlaces(
  store: BucketStore,
  places: readonly { readonly demand: Demand; readonly at: Date }[],
): Promise<void> {
  const latest = new Map<string, Date>();
  for (const { demand, at } of places) {
    const key = ordersKey(demand.ca, demand.account);
    const known = latest.get(key);
    if (!known || known < at) latest.set(key, at);
  }
  const kept = await settleBounded([...latest], bucketsAtOnce, ([key, at]) =>
    store.update(key, (state = fullBucket) => {
      const reached = state.lastPlaceAt && state.lastPlaceAt >= at;
      return { state: reached ? undefined : { ...state, lastPlaceAt: at }, result: undefined };
    }),
  );
  throwFirstFailure(kept);
}

/** The bucket with the booking; undefined where a plan made meanwhile reaches further. */
function keep(state: Bucket, { queue, read, until, begunAt }: Booking): Bucket | undefined {
  const { tat, spends, holds } = state;
  const found = state[marks[queue]];
  if (found && found >= until && found.getTime() !== read?.getTime()) return undefined;
  const untouched = spends.length === 0 && Object.keys(holds).length === 0;
  // A full bucket, only from when on nothing has been spent: from now on, not since long ago.
  const refilled = begunAt && untouched && (!tat || tat < begunAt) ? { tat: begunAt } : {};
  return { ...state, ...refilled, [marks[queue]]: until };
}
