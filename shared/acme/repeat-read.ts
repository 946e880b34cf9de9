import type { Clock } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import { AcmeFailure } from './problem.ts';

const longestPauseMillis = 4000;
const pauseMillis = [250, 1000, longestPauseMillis] as const;
/** Retry-After waits within one read; a longer one goes back to the caller, who gives the place to others. */
const mostWaitedMillis = 30_000;

/**
 * Repeats what is free of effects: on server and network errors three times, and after a Retry-After of a
 * busy CA or its load balancer (503, 429) as long as these add up to 30 s.
 */
export async function repeatRead<T>(
  read: () => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T> {
  let waitedMillis = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const pause = decidePauseMillis(error, attempt);
      if (pause === undefined || waitedMillis + pause > mostWaitedMillis) throw error;
      waitedMillis += pause;
      await clock.sleep(pause, signal);
    }
  }
}

function decidePauseMillis(error: unknown, attempt: number): number | undefined {
  if (!(error instanceof Failure)) return undefined;
  const status = error instanceof AcmeFailure ? error.problem.status : 0;
  const { retryAfterSeconds } = error;
  // A CA that says "at once" again and again is believed less each time: it is overloaded all the same.
  if (retryAfterSeconds !== undefined && (status === 429 || status >= 500))
    return Math.max(retryAfterSeconds * 1000, pauseMillis[attempt] ?? longestPauseMillis);
  return status >= 500 || error.code === 'ca-unreachable' ? pauseMillis[attempt] : undefined;
}
