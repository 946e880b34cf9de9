import type { Clock } from '../../../shared/runtime/clock.ts';

/** A clock whose time passes only when everybody who could go on waits for it. */
export function createVirtualTime(start: Date): Clock & { runUntil(done: () => boolean): Promise<void> } {
  let nowMillis = start.getTime();
  const sleeping: { atMillis: number; wake(): void }[] = [];
  return {
    now: () => new Date(nowMillis),
    sleep(millis, signal) {
      signal?.throwIfAborted();
      return new Promise((wake) => {
        sleeping.push({ atMillis: nowMillis + Math.ceil(millis), wake });
      });
    },
    async runUntil(done) {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (done()) return;
        if (sleeping.length === 0) throw new Error('nobody waits for time to pass, and yet it is not done');
        nowMillis = Math.max(nowMillis, Math.min(...sleeping.map(({ atMillis }) => atMillis)));
        const due = sleeping.filter(({ atMillis }) => atMillis <= nowMillis);
        for (const sleeper of due) {
          sleeping.splice(sleeping.indexOf(sleeper), 1);
          sleeper.wake();
        }
      }
    },
  };
}
