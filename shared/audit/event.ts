import { createHash } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';
import { type CanonicalValue, canonicalJson } from './canonical-json.ts';

/** Names, counts, hashes and instants of what happened; never a record's value and never a secret. */
export type AuditFacts = Readonly<Record<string, CanonicalValue>>;

/** Something to be put on record. */
export interface AuditDraft {
  /** Tells the event from others of its chain, so that one told twice is found out: `<runId>/loaded`. */
  readonly id: string;
  /** Stable, kebab-case. */
  readonly kind: string;
  readonly at: Date;
  readonly facts: AuditFacts;
}

/** One link: its hash covers every other member, and with `prevHash` all links before it. */
export interface AuditEvent {
  readonly chain: string;
  /** 1, 2, 3, … without a gap. */
  readonly seq: number;
  readonly id: string;
  readonly kind: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly at: string;
  readonly facts: AuditFacts;
  /** The hash of the event before, 64 zeros for the first. */
  readonly prevHash: string;
  /** SHA-256 of the other members as canonical JSON, hexadecimal. */
  readonly hash: string;
}

/** Where a chain ends. */
export type AuditHead = Pick<AuditEvent, 'seq' | 'hash'>;

/** What stands before the first event of a chain. */
export const chainStart: AuditHead = { seq: 0, hash: '0'.repeat(64) };

/** Facts are names and numbers: one that needs more than this carries data. */
const longestEventBytes = 16_384;

/**
 * The event that follows `head`.
 * @throws Failure `not-canonical`, `audit-event-too-long`
 */
export function linkEvent(chain: string, head: AuditHead, draft: AuditDraft): AuditEvent {
  const { id, kind, at, facts } = draft;
  const link = { chain, seq: head.seq + 1, id, kind, at: at.toISOString(), facts, prevHash: head.hash };
  const text = canonicalJson(link);
  if (Buffer.byteLength(text) > longestEventBytes)
    throw new Failure({
      code: 'audit-event-too-long',
      disposition: 'bug',
      message: `the audit event ${kind} of ${chain} is over ${longestEventBytes} bytes; record a digest instead of the thing`,
    });
  return { ...link, hash: digestOf(text) };
}

/** What an event's hash ought to be. @throws Failure `not-canonical` */
export function hashOfEvent({ hash: _, ...link }: AuditEvent): string {
  // Members that no event has would escape the comparison otherwise.
  return digestOf(canonicalJson(link as typeof link & { readonly [name: string]: CanonicalValue }));
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
