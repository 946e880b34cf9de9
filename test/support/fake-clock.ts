import type { Clock } from '../../shared/runtime/clock.ts';

/** A clock that stands still until moved; sleeping moves it, so that nothing waits. */
export function createFakeClock(
  start: Date,
): Clock & { advance(millis: number): void; readonly slept: number[] } {
  let nowMillis = start.getTime();
  const slept: number[] = [];
  return {
    slept,
    now: () => new Date(nowMillis),
    advance: (millis) => {
      nowMillis += millis;
    },
    async sleep(millis, signal) {
      signal?.throwIfAborted();
      slept.push(millis);
      nowMillis += millis;
    },
  };
}
