import type { DueCode } from '../certificates/due.ts';
import type { Candidate } from './candidates.ts';
import type { Place } from './plan-ground.ts';

/** What a dry run answers; instants as ISO 8601 text. */
export interface PlanReport {
  readonly now: string;
  /** Renewals that want their turn at a CA. */
  readonly due: number;
  /** Renewals that have had theirs and whose time to go on has come. */
  readonly underWay: number;
  /** Certificates about which the CA is to be asked. */
  readonly pollsDue: number;
  readonly byReason: Readonly<Partial<Record<DueCode, number>>>;
  readonly admittedNow: number;
  readonly waiting: number;
  /** The rate limits that make them wait, the one for which most wait first. */
  readonly bindingBuckets: readonly BindingBucket[];
  /** How many are renewed on each day (UTC). */
  readonly perDay: readonly { readonly day: string; readonly count: number }[];
  /** When the last of them may place its order, those planned by earlier ticks included; absent: nothing is due. */
  readonly finishedAt?: string | undefined;
  readonly sample: readonly PlannedRenewal[];
  /** The sample is not all. */
  readonly truncated?: true | undefined;
}

export interface BindingBucket {
  readonly bucket: string;
  readonly waiting: number;
  /** When it lets the first of them go. */
  readonly freeAt: string;
}

export interface PlannedRenewal {
  readonly name: string;
  readonly reason: DueCode;
  readonly plannedAt: string;
  /** What it waits for. */
  readonly bucket?: string | undefined;
}

const sampleSize = 100;
const mostBuckets = 20;

export function reportPlan(
  places: readonly Place<Candidate>[],
  context: {
    readonly now: Date;
    readonly underWay: number;
    readonly pollsDue: number;
    /** The end of what earlier ticks have planned. */
    readonly bookedUntil?: Date | undefined;
  },
): PlanReport {
  const { now, bookedUntil, underWay, pollsDue } = context;
  const inOrder = places.toSorted((one, other) => one.at.getTime() - other.at.getTime());
  const last = Math.max(bookedUntil?.getTime() ?? 0, inOrder.at(-1)?.at.getTime() ?? 0);
  const admittedNow = inOrder.filter(({ at }) => at <= now).length;
  return {
    now: now.toISOString(),
    due: inOrder.length,
    underWay,
    pollsDue,
    byReason: Object.fromEntries(countBy(inOrder, ({ item }) => item.reason.code)),
    admittedNow,
    waiting: inOrder.length - admittedNow,
    bindingBuckets: findBindingBuckets(inOrder.filter(({ at }) => at > now)),
    perDay: [...countBy(inOrder, ({ at }) => at.toISOString().slice(0, 10))].map(([day, count]) => ({
      day,
      count,
    })),
    ...(last > 0 && { finishedAt: new Date(last).toISOString() }),
    sample: inOrder.slice(0, sampleSize).map(({ item, at, bucket }) => ({
      name: item.name,
      reason: item.reason.code,
      plannedAt: at.toISOString(),
      ...(bucket !== undefined && { bucket }),
    })),
    ...(inOrder.length > sampleSize && { truncated: true }),
  };
}

/** `waiting` comes in the order of its instants, so that the first of a bucket is the earliest. */
function findBindingBuckets(waiting: readonly Place<Candidate>[]): BindingBucket[] {
  const bound = waiting.filter(({ bucket }) => bucket !== undefined);
  const firsts = new Map<string, Date>();
  for (const { bucket = '', at } of bound) if (!firsts.has(bucket)) firsts.set(bucket, at);
  return [...countBy(bound, ({ bucket = '' }) => bucket)]
    .map(([bucket, count]) => ({
      bucket,
      waiting: count,
      freeAt: firsts.get(bucket)?.toISOString() ?? '',
    }))
    .sort((one, other) => other.waiting - one.waiting || (one.bucket < other.bucket ? -1 : 1))
    .slice(0, mostBuckets);
}

function countBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, number> {
  const counts = new Map<Key, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}
