import { type Bucket, countedTat } from './bucket.ts';
import { intervalMillisOf, type Limit, usableLimit } from './gcra.ts';

/**
 * A bucket as it will be: spent at instants to come, which must not go back. A claim keeps one token for somebody
 * who will spend it at an instant not yet known, as a hold does.
 */
export interface FutureBucket {
  readonly key: string;
  /** The first instant from `nowMillis` on with a token nobody has claimed; undefined while all are claimed. */
  freeAt(nowMillis: number): number | undefined;
  claim(): void;
  unclaim(): void;
  spend(nowMillis: number): void;
}

export function createFutureBucket({
  key,
  limit,
  now,
  state,
}: {
  key: string;
  limit: Limit;
  now: Date;
  state: Bucket | undefined;
}): FutureBucket {
  const { burst } = usableLimit(limit);
  const intervalMillis = intervalMillisOf(limit);
  let tatMillis = state ? countedTat(state, { limit, now }).getTime() : 0;
  let claims = 0;
  return {
    key,
    freeAt(nowMillis) {
      if (claims >= burst && intervalMillis > 0) return undefined;
      return Math.max(nowMillis, tatMillis + (claims + 1 - burst) * intervalMillis);
    },
    claim() {
      claims += 1;
    },
    unclaim() {
      claims -= 1;
    },
    spend(nowMillis) {
      tatMillis = Math.max(tatMillis, nowMillis) + intervalMillis;
    },
  };
}
