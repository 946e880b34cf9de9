import { type AuditEvent, chainStart } from './event.ts';
import { type AuditLog, type AuditShelf, appendInTurn, lookBack } from './log.ts';

/** The contract of AuditLog in one process's memory. */
export function createMemoryAuditLog(): AuditLog {
  const chains = new Map<string, AuditEvent[]>();
  const eventsOf = (chain: string) => chains.get(chain) ?? [];
  const shelf: AuditShelf = {
    tail: async (chain) => eventsOf(chain).slice(-lookBack).reverse(),
    async put(event) {
      const events = eventsOf(event.chain);
      if (events.length !== event.seq - 1) return false;
      chains.set(event.chain, [...events, event]);
      return true;
    },
  };
  return {
    append: (chain, draft) => appendInTurn(shelf, chain, draft),
    async *read(chain, afterSeq) {
      yield* eventsOf(chain).slice(afterSeq);
    },
    async head(chain) {
      const last = eventsOf(chain).at(-1);
      return last ? { seq: last.seq, hash: last.hash } : chainStart;
    },
  };
}
