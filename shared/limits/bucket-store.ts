import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { Bucket } from './bucket.ts';

export interface VersionedBucket {
  readonly bucket: Bucket;
  readonly version: number;
}

export interface Advance {
  readonly stepMillis: number;
  /** The TAT must lie between these two, both included; then nobody else's advance can refuse this one. */
  readonly from: Date;
  readonly to: Date;
}

/**
 * Where buckets are kept: one item each, reads consistent, every write conditional on that item alone.
 * Failures: `store-unavailable`.
 */
export interface BucketItems {
  /** The buckets that exist among `keys`. */
  get(keys: readonly string[]): Promise<ReadonlyMap<string, VersionedBucket>>;
  /** Writes the whole bucket as the version after `version` (undefined: there is none yet); false when it has another. */
  put(key: string, bucket: Bucket, version: number | undefined): Promise<boolean>;
  /** Moves the TAT on and answers the new one; undefined when it does not lie where `advance` wants it. */
  advance(key: string, advance: Advance): Promise<Date | undefined>;
}

export interface BucketChange<Result> {
  /** Absent: the bucket stays as it is, and nothing is written. */
  readonly state?: Bucket | undefined;
  readonly result: Result;
}

export type ChangeBucket<Result> = (state: Bucket | undefined) => BucketChange<Result>;

/** The buckets all workers share. */
export interface BucketStore {
  read(keys: readonly string[]): Promise<ReadonlyMap<string, Bucket>>;
  /**
   * Applies `change` to the bucket by compare and swap; it is called again whenever somebody else was quicker.
   * @throws Failure `store-busy` (retry) after a dozen such attempts, `store-unavailable`
   */
  update<Result>(key: string, change: ChangeBucket<Result>): Promise<Result>;
  /** As BucketItems: the one change that any number of workers can make at once, each with a single write. */
  advance(key: string, advance: Advance): Promise<Date | undefined>;
}

const mostAttempts = 12;
const firstPauseMillis = 20;
const longestPauseMillis = 1500;

export function createBucketStore(
  items: BucketItems,
  { clock, random }: { clock: Clock; random: Random },
): BucketStore {
  return {
    async read(keys) {
      const found = await items.get(keys);
      return new Map([...found].map(([key, { bucket }]) => [key, bucket]));
    },
    async update(key, change) {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const current = (await items.get([key])).get(key);
        const { state, result } = change(current?.bucket);
        if (!state || (await items.put(key, state, current?.version))) return result;
        await clock.sleep(random() * Math.min(firstPauseMillis * 2 ** attempt, longestPauseMillis));
      }
      throw new Failure({
        code: 'store-busy',
        disposition: 'retry',
        message: `bucket ${key} was changed by others ${mostAttempts} times in a row; try again later or with fewer workers`,
      });
    },
    advance: (key, advance) => items.advance(key, advance),
  };
}
