import { packNames, type RefreshQueue } from './refresh-queue.ts';

/** A RefreshQueue that keeps what was sent, for one process; `take` answers the names of each message. */
export function createMemoryRefreshQueue(): RefreshQueue & { take(): readonly (readonly string[])[] } {
  let messages: (readonly string[])[] = [];
  return {
    async send(names) {
      messages.push(...packNames(names));
    },
    take() {
      const taken = messages;
      messages = [];
      return taken;
    },
  };
}
