import type { Clock } from './clock.ts';
import { Failure } from './errors.ts';

/** How long a piece of work may still take; its signal aborts with a `deadline` failure. */
export interface Deadline {
  readonly signal: AbortSignal;
  remainingMillis(): number;
}

/** A deadline `millis` from now; `stop()` ends what still runs under it. */
export function startDeadline(clock: Clock, millis: number): Deadline & { stop(): void } {
  const endsAtMillis = clock.now().getTime() + millis;
  const controller = new AbortController();
  const stopped = new AbortController();
  clock.sleep(millis, stopped.signal).then(
    () => controller.abort(deadlineFailure(millis)),
    () => undefined,
  );
  return {
    signal: controller.signal,
    remainingMillis: () => Math.max(0, endsAtMillis - clock.now().getTime()),
    stop: () => {
      stopped.abort();
      // What was left running must not outlive the invocation.
      controller.abort(deadlineFailure(millis));
    },
  };
}

const deadlineFailure = (millis: number) =>
  new Failure({
    code: 'deadline',
    disposition: 'retry',
    message: `the work did not end within its ${Math.round(millis / 1000)} s; it goes on from the last saved step`,
  });
