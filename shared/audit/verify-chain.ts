import { type AuditEvent, type AuditHead, chainStart, hashOfEvent } from './event.ts';

/** `seq`: where the chain is broken, as its place says and not as the event there claims. */
export type ChainVerdict =
  | { readonly intact: true; readonly head: AuditHead }
  | { readonly intact: false; readonly seq: number; readonly code: ChainFault };

/**
 * - `other-chain`: the event belongs to another chain;
 * - `out-of-sequence`: an event is missing, doubled or out of its place;
 * - `link-broken`: the event was made after another one than stands before it;
 * - `altered`: a member was changed after the event was made;
 * - `head-differs`: the chain ends elsewhere than the head on record: its end was cut off or replaced.
 */
export type ChainFault = 'other-chain' | 'out-of-sequence' | 'link-broken' | 'altered' | 'head-differs';

/**
 * Reads a chain from its first event, or from the one after `from`. A chain shows what was changed or left out
 * within it; only a `head` kept elsewhere (signed in a run's record) shows that its end is missing.
 */
export function verifyChain(
  events: Iterable<AuditEvent>,
  known: { from?: AuditHead | undefined; head?: AuditHead | undefined } = {},
): ChainVerdict {
  let head = known.from ?? chainStart;
  let chain: string | undefined;
  for (const event of events) {
    chain ??= event.chain;
    const code = findFault(event, { head, chain });
    if (code) return { intact: false, seq: head.seq + 1, code };
    head = { seq: event.seq, hash: event.hash };
    if (known.head?.seq === head.seq && known.head.hash !== head.hash)
      return { intact: false, seq: head.seq, code: 'head-differs' };
  }
  if (known.head && known.head.seq > head.seq)
    return { intact: false, seq: head.seq + 1, code: 'head-differs' };
  return { intact: true, head };
}

function findFault(event: AuditEvent, before: { head: AuditHead; chain: string }): ChainFault | undefined {
  if (event.chain !== before.chain) return 'other-chain';
  if (event.seq !== before.head.seq + 1) return 'out-of-sequence';
  if (event.prevHash !== before.head.hash) return 'link-broken';
  return isUnaltered(event) ? undefined : 'altered';
}

function isUnaltered(event: AuditEvent): boolean {
  try {
    return hashOfEvent(event) === event.hash;
  } catch {
    // What has no canonical form was never hashed.
    return false;
  }
}
