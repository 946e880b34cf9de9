import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';

const firstPauseMillis = 250;
const longestPauseMillis = 5_000;

/**
 * Looks again and again, at growing pauses, until there is something to see.
 * @throws Failure `target-timeout` (retry) once `limitMillis` have passed; the signal's reason
 */
export async function pollUntil<Seen>(
  look: () => Promise<Seen | undefined>,
  options: { clock: Clock; signal: AbortSignal; limitMillis: number; what: string },
): Promise<Seen> {
  const endsAtMillis = options.clock.now().getTime() + options.limitMillis;
  let pauseMillis = firstPauseMillis;
  for (;;) {
    options.signal.throwIfAborted();
    const seen = await look();
    if (seen !== undefined) return seen;
    if (options.clock.now().getTime() + pauseMillis > endsAtMillis) throw tooLate(options);
    await options.clock.sleep(pauseMillis, options.signal);
    pauseMillis = Math.min(pauseMillis * 2, longestPauseMillis);
  }
}

const tooLate = ({ what, limitMillis }: { what: string; limitMillis: number }) =>
  new Failure({
    code: 'target-timeout',
    disposition: 'retry',
    message: `${what} was not done within ${Math.round(limitMillis / 1000)} s; it may still end, and is asked for again`,
  });
