import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { type Bucket, fullBucket } from './bucket.ts';
import type { BucketStore } from './bucket-store.ts';
import { intervalMillisOf } from './gcra.ts';
import type { ChunkRules } from './request-chunk.ts';

export interface Chunk {
  readonly tokens: number;
  readonly lapsesAt: Date;
}

export interface Booking {
  readonly store: BucketStore;
  readonly key: string;
  readonly rules: ChunkRules;
  readonly size: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether anybody still waits for the chunk. */
  readonly isWanted: () => boolean;
}

/** How far ahead of its turn a chunk may be booked: the queue's length in time. */
const queueMillis = 10_000;
/** The longest sleep in one piece, after which it is seen whether anybody still waits. */
const longestSleepMillis = 250;
/** Whoever finds the bucket full waits a moment before writing the first TAT: all others can then advance it. */
const firstWriteSpreadMillis = 30;
const mostFailures = 10;
const firstPauseMillis = 50;
const longestPauseMillis = 2000;

/**
 * Books the next chunk and waits until its turn: the bucket's TAT moves on by one write that no other worker's
 * booking can refuse, and the TAT so reached says when the tokens are there. A chunk that comes too late to be
 * used is lost, and the next one is booked so much further ahead.
 */
export async function bookChunk(booking: Booking): Promise<Chunk> {
  const { clock, rules, size, isWanted } = booking;
  let aheadMillis = 0;
  for (let failures = 0; isWanted(); ) {
    const from = millisAfter(clock.now(), aheadMillis);
    try {
      const tat = await advanceTat(booking, from);
      if (!tat) continue;
      const usable = Math.max(
        from.getTime(),
        tat.getTime() - rules.limit.burst * intervalMillisOf(rules.limit),
      );
      await sleepUntil(new Date(usable), booking);
      const lateMillis = clock.now().getTime() - usable;
      if (lateMillis <= rules.lifeMillis)
        return { tokens: size, lapsesAt: new Date(usable + rules.lifeMillis) };
      aheadMillis = Math.min(aheadMillis + lateMillis, longestPauseMillis);
    } catch (error) {
      failures += 1;
      if (!(error instanceof Failure) || error.disposition !== 'retry' || failures === mostFailures)
        throw error;
      await clock.sleep(booking.random() * Math.min(firstPauseMillis * 2 ** failures, longestPauseMillis));
    }
  }
  return { tokens: 0, lapsesAt: clock.now() };
}

/** The TAT with this chunk counted; undefined when the queue is full or somebody else wrote the first TAT. */
async function advanceTat(booking: Booking, from: Date): Promise<Date | undefined> {
  const { store, key, rules, size, clock, random } = booking;
  const stepMillis = size * intervalMillisOf(rules.limit);
  const to = millisAfter(from, queueMillis);
  let found = await readBucket(booking);
  if (!isAhead(found, from)) {
    await clock.sleep(random() * Math.min(firstWriteSpreadMillis, rules.lifeMillis / 4));
    found = await readBucket(booking);
  }
  if (found.tat && found.tat > to) {
    await sleepUntil(millisAfter(found.tat, -queueMillis * random()), booking);
    return undefined;
  }
  if (isAhead(found, from)) return store.advance(key, { stepMillis, from, to });
  const first = millisAfter(from, stepMillis);
  const written = await store.update(key, (state = fullBucket) =>
    isAhead(state, from) ? { result: false } : { state: { ...state, tat: first }, result: true },
  );
  return written ? first : undefined;
}

const readBucket = async ({ store, key }: Booking): Promise<Bucket> =>
  (await store.read([key])).get(key) ?? fullBucket;

const isAhead = ({ tat }: Bucket, from: Date): boolean => tat !== undefined && tat >= from;

const millisAfter = (instant: Date, millis: number): Date => new Date(instant.getTime() + millis);

async function sleepUntil(instant: Date, { clock, isWanted }: Booking): Promise<void> {
  for (;;) {
    const restMillis = instant.getTime() - clock.now().getTime();
    if (restMillis <= 0 || !isWanted()) return;
    await clock.sleep(Math.min(restMillis, longestSleepMillis));
  }
}
