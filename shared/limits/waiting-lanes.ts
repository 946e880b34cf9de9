import type { Bucket } from './bucket.ts';
import { type Demand, type Meter, type MeterKind, metersOf } from './demand.ts';
import { createFutureBucket, type FutureBucket } from './future-bucket.ts';
import { createPriorityQueue, type PriorityQueue } from './priority-queue.ts';
import type { CaLimits } from './published-limits.ts';

/** A demand on its way through the forecast. */
export interface Ticket<Planned extends Demand> {
  readonly demand: Planned;
  readonly rank: number;
  /** Those that count names, of which a token is claimed before the ticket queues for an order. */
  readonly named: readonly Lane<Planned>[];
  readonly orders: Lane<Planned> | undefined;
  queuedAtMillis: number;
  longestWaitMillis: number;
  waitedFor: string | undefined;
}

/** A bucket and those who wait for it, by rank. */
export interface Lane<Planned extends Demand> {
  readonly bucket: FutureBucket;
  readonly queue: PriorityQueue<Ticket<Planned>>;
  readonly kind: MeterKind;
  wakesAtMillis: number;
}

export const isFree = ({ bucket }: { bucket: FutureBucket }, nowMillis: number): boolean =>
  bucket.freeAt(nowMillis) === nowMillis;

/** Opens a lane for each bucket once. */
export function createLanes<Planned extends Demand>({
  buckets,
  now,
}: {
  buckets: ReadonlyMap<string, Bucket>;
  now: Date;
}) {
  const lanes = new Map<string, Lane<Planned>>();
  return ({ key, kind, limit }: Meter): Lane<Planned> => {
    let lane = lanes.get(key);
    if (!lane) {
      lane = {
        bucket: createFutureBucket({ key, limit, now, state: buckets.get(key) }),
        queue: createPriorityQueue((a, b) => a.rank < b.rank),
        kind,
        wakesAtMillis: Number.POSITIVE_INFINITY,
      };
      lanes.set(key, lane);
    }
    return lane;
  };
}

export function openTicket<Planned extends Demand>(
  demand: Planned,
  rank: number,
  { limits, openLane }: { limits: CaLimits; openLane: (meter: Meter) => Lane<Planned> },
): Ticket<Planned> {
  const named: Lane<Planned>[] = [];
  let orders: Lane<Planned> | undefined;
  for (const meter of metersOf(demand, limits)) {
    if (meter.kind === 'orders') orders = openLane(meter);
    else named.push(openLane(meter));
  }
  return { demand, rank, named, orders, queuedAtMillis: 0, longestWaitMillis: 0, waitedFor: undefined };
}

/** The blocked lane that frees last; one fully claimed frees at an instant nobody knows yet. */
export function findLongestWait<Planned extends Demand>(
  lanes: readonly Lane<Planned>[],
  nowMillis: number,
): Lane<Planned> | undefined {
  let longest: Lane<Planned> | undefined;
  let latestMillis = nowMillis;
  for (const lane of lanes) {
    const freeAtMillis = lane.bucket.freeAt(nowMillis) ?? Number.POSITIVE_INFINITY;
    if (freeAtMillis <= latestMillis) continue;
    longest = lane;
    latestMillis = freeAtMillis;
  }
  return longest;
}

export function noteWait<Planned extends Demand>(ticket: Ticket<Planned>, key: string, nowMillis: number) {
  const waitedMillis = nowMillis - ticket.queuedAtMillis;
  if (waitedMillis <= ticket.longestWaitMillis) return;
  ticket.longestWaitMillis = waitedMillis;
  ticket.waitedFor = key;
}
