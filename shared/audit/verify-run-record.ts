import * as z from 'zod';
import type { AuditEvent } from './event.ts';
import type { RecordedCounts, RunRecord, SignedRunRecord } from './run-record.ts';
import { signedBytes } from './run-record.ts';
import type { TrustedKey } from './signer.ts';
import { verifyChain } from './verify-chain.ts';

export interface RecordProblem {
  readonly code:
    | 'record-malformed'
    | 'signer-unknown'
    | 'signature-invalid'
    | 'chunks-repeated'
    | 'counts-differ'
    | 'peer-unverified'
    | 'audit-differs';
  readonly message: string;
}

/** What a verifier has at hand; without `events` the audit chain is not looked at. */
export interface Evidence {
  readonly trustedKeys: readonly TrustedKey[];
  readonly events?: readonly AuditEvent[] | undefined;
}

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();
const counts = z.record(z.string(), count);
const signedRecord = z.strictObject({
  record: z.strictObject({
    version: z.literal(1),
    pipeline: z.string(),
    runId: z.string(),
    loadId: hex64,
    scope: z.string(),
    openedAt: z.iso.datetime(),
    committedAt: z.iso.datetime(),
    configHash: z.string(),
    contractVersion: z.string(),
    manifestDigest: hex64,
    sourceVersions: z.array(z.string()),
    chunks: z.array(z.strictObject({ chunkId: z.string(), digest: z.string(), counts })),
    counts,
    keyIds: z.array(z.string()),
    certificates: z.array(z.string()),
    connections: z.array(
      z.strictObject({
        host: z.string(),
        protocol: z.string(),
        cipher: z.string(),
        verified: z.boolean(),
        fingerprint: z.string().optional(),
        expiresAt: z.iso.datetime().optional(),
      }),
    ),
    audit: z.strictObject({ seq: count, hash: hex64 }),
  }),
  signature: z.strictObject({
    algorithm: z.enum(['Ed25519', 'ES256']),
    keyId: z.string(),
    value: z.base64url(),
  }),
});

/**
 * Whether a record, parsed from JSON, is what a trusted signer said and whether it agrees with itself: empty when
 * all is well. Needs no network and no table. The laws of the counts are the pipeline's: see `verifyRun`.
 */
export function verifyRunRecord(candidate: unknown, evidence: Evidence): readonly RecordProblem[] {
  const parsed = signedRecord.safeParse(candidate);
  if (!parsed.success) {
    const places = parsed.error.issues.map(({ path }) => `/${path.join('/')}`);
    return [{ code: 'record-malformed', message: `the record is not of version 1 at ${places.join(', ')}` }];
  }
  const { record } = parsed.data;
  return [
    ...checkSignature(parsed.data, evidence.trustedKeys),
    ...checkChunks(record),
    ...checkConnections(record),
    ...checkAudit(record, evidence.events),
  ];
}

function checkSignature(signed: SignedRunRecord, keys: readonly TrustedKey[]): RecordProblem[] {
  const key = keys.find(({ keyId }) => keyId === signed.signature.keyId);
  if (!key)
    return [
      { code: 'signer-unknown', message: `key ${signed.signature.keyId} is not among the trusted ones` },
    ];
  const valid = key.verify(signedBytes(signed.record), Buffer.from(signed.signature.value, 'base64url'));
  return valid
    ? []
    : [{ code: 'signature-invalid', message: 'the record was changed after it was signed, or never signed' }];
}

function checkChunks({ chunks, counts: total }: RunRecord): RecordProblem[] {
  const problems: RecordProblem[] = [];
  if (new Set(chunks.map(({ chunkId }) => chunkId)).size < chunks.length)
    problems.push({ code: 'chunks-repeated', message: 'a chunk is listed twice' });
  const sums = sumCounts(chunks.map((chunk) => chunk.counts));
  const names = new Set([...sums.keys(), ...Object.keys(total)]);
  for (const name of [...names].sort()) {
    const [stated, summed] = [total[name] ?? 0, sums.get(name) ?? 0];
    if (stated !== summed)
      problems.push({
        code: 'counts-differ',
        message: `${name} is ${stated} for the run and ${summed} over its chunks`,
      });
  }
  return problems;
}

function sumCounts(all: readonly RecordedCounts[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, number] of all.flatMap((each) => Object.entries(each)))
    sums.set(name, (sums.get(name) ?? 0) + number);
  return sums;
}

const checkConnections = ({ connections }: RunRecord): RecordProblem[] =>
  connections
    .filter(({ verified }) => !verified)
    .map(({ host }) => ({ code: 'peer-unverified', message: `the peer at ${host} was not verified` }));

function checkAudit({ audit }: RunRecord, events: readonly AuditEvent[] | undefined): RecordProblem[] {
  if (!events) return [];
  const verdict = verifyChain(events, { head: audit });
  return verdict.intact
    ? []
    : [{ code: 'audit-differs', message: `the audit chain is broken at ${verdict.seq}: ${verdict.code}` }];
}
