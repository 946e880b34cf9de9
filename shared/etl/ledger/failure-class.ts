import { secondsAfter } from '../../runtime/clock.ts';
import type { Disposition, Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';

export const failureClasses = ['transient', 'throttled', 'terminal', 'poison'] as const;
/**
 * - `transient`: tried again, three times;
 * - `throttled`: tried again when the other side allows, without using up a try;
 * - `terminal`: configuration, authorization, certificates, contract: the run fails and keeps its state;
 * - `poison`: the chunk itself cannot be worked on (rows that cannot are put into quarantine by their stage and
 *   fail nothing): the run fails.
 */
export type FailureClass = (typeof failureClasses)[number];

const classes: Readonly<Record<Disposition, FailureClass>> = {
  retry: 'transient',
  'retry-after': 'throttled',
  'give-up': 'terminal',
  quarantine: 'poison',
  bug: 'terminal',
};

/** A failure is classified once, by what it asks of its caller. */
export const classOf = ({ disposition }: Failure): FailureClass => classes[disposition];

const retryPausesSeconds: readonly number[] = [30, 120, 600];
const jitter = 0.2;
const shortestThrottleSeconds = 30;
const longestThrottleSeconds = 3600;
/** A source that has throttled a chunk this often will not serve it today. */
const mostThrottles = 100;

/** How a chunk has fared in its present stage. */
export interface Tries {
  /** Transient failures. */
  readonly failures: number;
  readonly throttles: number;
}

export type RetryDecision =
  | { readonly kind: 'again'; readonly at: Date; readonly tries: Tries }
  | { readonly kind: 'fail'; readonly tries: Tries };

/**
 * Whether and when a chunk is tried again: after 30 s, 2 and 10 minutes, each by ±20 %; after the Retry-After of
 * whoever throttles, between 30 s and an hour, up to a hundred times.
 */
export function decideRetry(
  failure: Failure,
  { tries, now, random }: { tries: Tries; now: Date; random: Random },
): RetryDecision {
  switch (classOf(failure)) {
    case 'transient': {
      const pause = retryPausesSeconds[tries.failures];
      const counted = { ...tries, failures: tries.failures + 1 };
      if (pause === undefined) return { kind: 'fail', tries: counted };
      const at = secondsAfter(now, pause * (1 - jitter + 2 * jitter * random()));
      return { kind: 'again', at, tries: counted };
    }
    case 'throttled': {
      const counted = { ...tries, throttles: tries.throttles + 1 };
      if (counted.throttles > mostThrottles) return { kind: 'fail', tries: counted };
      const asked = Math.max(failure.retryAfterSeconds ?? 0, shortestThrottleSeconds);
      return {
        kind: 'again',
        at: secondsAfter(now, Math.min(asked, longestThrottleSeconds)),
        tries: counted,
      };
    }
    default:
      return { kind: 'fail', tries };
  }
}
