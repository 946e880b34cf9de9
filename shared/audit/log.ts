import { Failure } from '../runtime/errors.ts';
import { type AuditDraft, type AuditEvent, type AuditHead, chainStart, linkEvent } from './event.ts';

/**
 * Chains of events, one per pipeline, that only grow. Failures: `store-unavailable`, `audit-contended` (retry),
 * and those of `linkEvent`.
 */
export interface AuditLog {
  /**
   * Puts an event at the end of its chain and answers it. A draft whose id is among the last `lookBack` events is
   * on record already: that event is answered, and nothing is added.
   */
  append(chain: string, draft: AuditDraft): Promise<AuditEvent>;
  /** All events after `afterSeq` (0: from the first), in their order, read page by page. */
  read(chain: string, afterSeq: number): AsyncIterable<AuditEvent>;
  /** The end of a chain; `chainStart` for one that has no event yet. */
  head(chain: string): Promise<AuditHead>;
}

/** How far back a repeated draft is recognised: further than what one worker tells after another's restart. */
export const lookBack = 20;

/** Writers who collide at one link take turns; each turn gives one of them its place. */
const turns = 200;

/** A chain's items as an adapter keeps them. */
export interface AuditShelf {
  /** The last `lookBack` events of a chain at most, newest first. */
  tail(chain: string): Promise<readonly AuditEvent[]>;
  /** Adds an event; false when its place is taken. */
  put(event: AuditEvent): Promise<boolean>;
}

/** Appends by taking the place after the head on condition that it is free. */
export async function appendInTurn(shelf: AuditShelf, chain: string, draft: AuditDraft): Promise<AuditEvent> {
  for (let turn = 0; turn < turns; turn += 1) {
    const tail = await shelf.tail(chain);
    // Also the draft's own event, when the answer to the write before was lost.
    const told = tail.find(({ id }) => id === draft.id);
    if (told) return told;
    const event = linkEvent(chain, tail[0] ?? chainStart, draft);
    if (await shelf.put(event)) return event;
  }
  throw new Failure({
    code: 'audit-contended',
    disposition: 'retry',
    message: `the audit chain ${chain} has had too many writers at once; fewer chunks at a time, or record runs alone`,
  });
}
