import { createHash } from 'node:crypto';
import { type CanonicalValue, canonicalJson } from './canonical-json.ts';
import type { AuditHead } from './event.ts';
import type { SignatureAlgorithm, Signer } from './signer.ts';

/** Numbers by their names: `extracted`, `filtered`, … */
export type RecordedCounts = Readonly<Record<string, number>>;

export interface RecordedChunk {
  readonly chunkId: string;
  /** Hexadecimal digest of what the chunk's last stage wrote. */
  readonly digest: string;
  readonly counts: RecordedCounts;
}

export interface RecordedConnection {
  readonly host: string;
  readonly protocol: string;
  readonly cipher: string;
  readonly verified: boolean;
  /** SHA-256 of the peer's leaf, hexadecimal. */
  readonly fingerprint?: string | undefined;
  /** ISO 8601. */
  readonly expiresAt?: string | undefined;
}

/** What a run did, in names, counts and digests: enough to hold it to, nothing of what it carried. */
export interface RunRecord {
  readonly version: 1;
  readonly pipeline: string;
  readonly runId: string;
  readonly loadId: string;
  /** The window or the versions of the source that the run is about. */
  readonly scope: string;
  readonly openedAt: string;
  readonly committedAt: string;
  readonly configHash: string;
  readonly contractVersion: string;
  readonly manifestDigest: string;
  readonly sourceVersions: readonly string[];
  readonly chunks: readonly RecordedChunk[];
  readonly counts: RecordedCounts;
  /** Keys that hashed or encrypted columns: names and versions, nothing of the keys. */
  readonly keyIds: readonly string[];
  /** SHA-256 of every certificate that was checked, hexadecimal. */
  readonly certificates: readonly string[];
  readonly connections: readonly RecordedConnection[];
  /** The end of the pipeline's audit chain when the record was made. */
  readonly audit: AuditHead;
}

export interface SignedRunRecord {
  readonly record: RunRecord;
  readonly signature: {
    readonly algorithm: SignatureAlgorithm;
    readonly keyId: string;
    /** base64url. */
    readonly value: string;
  };
}

/** Keeps a signature over a record from being shown as one over something else. */
const purpose = 'certfleet run record 1\n';

/** The bytes that are signed. @throws Failure `not-canonical` */
export const signedBytes = (record: RunRecord): Buffer =>
  Buffer.from(purpose + canonicalJson(record as unknown as CanonicalValue), 'utf8');

/** What an audit event names a record by. @throws Failure `not-canonical` */
export const digestOfRecord = (record: RunRecord): string =>
  createHash('sha256').update(signedBytes(record)).digest('hex');

/** @throws Failure `not-canonical`, and those of the signer */
export async function signRunRecord(record: RunRecord, signer: Signer): Promise<SignedRunRecord> {
  const value = await signer.sign(signedBytes(record));
  return {
    record,
    signature: { algorithm: signer.algorithm, keyId: signer.keyId, value: value.toString('base64url') },
  };
}
