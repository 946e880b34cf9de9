import { secondsAfter } from '../runtime/clock.ts';
import type { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';

const minuteSeconds = 60;
const daySeconds = 86_400;

/** Pauses after the first, second, third failure; afterwards once a day (Let's Encrypt's integration guide). */
const pausesSeconds: readonly number[] = [minuteSeconds, 10 * minuteSeconds, 100 * minuteSeconds];
const jitter = 0.2;
/** No published limit refills slower than this; a longer Retry-After is a mistake. */
const longestRestSeconds = 7 * daySeconds;

/**
 * When a renewal that failed for the `attempts`-th time is tried again: 1, 10, 100 minutes, then daily, each
 * by ±20 % so that a fleet which failed together does not return together; never before the CA's Retry-After.
 * What only a person can mend is tried daily from the start.
 */
export function decideRetryAt(
  failure: Failure,
  history: { attempts: number; now: Date; random: Random },
): Date {
  const early = failure.disposition === 'give-up' ? undefined : pausesSeconds[history.attempts - 1];
  const base = early ?? daySeconds;
  const pauseSeconds = base * (1 - jitter + 2 * jitter * history.random());
  const asked = Math.min(failure.retryAfterSeconds ?? 0, longestRestSeconds);
  return secondsAfter(history.now, Math.max(pauseSeconds, asked));
}
