import type { BucketItems } from '../../../../shared/limits/bucket-store.ts';
import type { Clock } from '../../../../shared/runtime/clock.ts';
import type { Random } from '../../../../shared/runtime/random.ts';

export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

interface Waiting {
  readonly worker: number;
  readonly dueAtMillis: number;
  go(): void;
}

/**
 * Workers on one machine under a scheduler that wishes them ill: wherever one waits (before and after every store
 * operation, every request and every pause) it goes on when the scheduler says so, or never.
 */
export class World {
  readonly random: Random;
  /** True time, which is the CA's. */
  nowMillis = Date.UTC(2026, 10, 21);
  private waiting: Waiting[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** Where worker `worker` stands until it is scheduled again, at the earliest in `millis`. */
  point(worker: number, millis = 0): Promise<void> {
    return new Promise((go) => {
      this.waiting.push({ worker, dueAtMillis: this.nowMillis + millis, go });
    });
  }

  /** Lets one of those who may go on do so, until it waits again; false when nobody may. */
  async step(): Promise<boolean> {
    const able = this.waiting.filter(({ dueAtMillis }) => dueAtMillis <= this.nowMillis);
    const chosen = able[this.below(able.length)];
    if (!chosen) return false;
    this.waiting.splice(this.waiting.indexOf(chosen), 1);
    chosen.go();
    await settled();
    return true;
  }

  /** The worker never goes on from where it stands. */
  crash(worker: number): void {
    this.waiting = this.waiting.filter((each) => each.worker !== worker);
  }

  nextDueAtMillis(): number | undefined {
    const later = this.waiting.filter(({ dueAtMillis }) => dueAtMillis > this.nowMillis);
    return later.length > 0 ? Math.min(...later.map(({ dueAtMillis }) => dueAtMillis)) : undefined;
  }

  /** The store as this worker sees it: an operation may wait before it happens and before it is answered. */
  itemsOf(worker: number, items: BucketItems): BucketItems {
    const around = async <T>(operation: () => Promise<T>): Promise<T> => {
      await this.point(worker);
      const answer = await operation();
      await this.point(worker);
      return answer;
    };
    return {
      get: (keys) => around(() => items.get(keys)),
      put: (key, bucket, version) => around(() => items.put(key, bucket, version)),
      advance: (key, advance) => around(() => items.advance(key, advance)),
    };
  }

  /** A clock that is `offset()` milliseconds off. */
  clockOf(worker: number, offset: () => number, { sleepsTruly = false } = {}): Clock {
    return {
      now: () => new Date(this.nowMillis + offset()),
      sleep: (millis) => this.point(worker, sleepsTruly ? Math.ceil(millis) : 0),
    };
  }
}

/** Resolves when every promise that can has been settled. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
