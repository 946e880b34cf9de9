import { type CanonicalValue, canonicalJson } from '../../audit/canonical-json.ts';
import {
  digestOfRecord,
  type RecordedConnection,
  type RunRecord,
  type SignedRunRecord,
  signRunRecord,
} from '../../audit/run-record.ts';
import type { TrustedKey } from '../../audit/signer.ts';
import { type RecordProblem, verifyRunRecord } from '../../audit/verify-run-record.ts';
import { Failure } from '../../runtime/errors.ts';
import { addBooks, type Books, emptyBooks } from '../books/books.ts';
import type { CheckedCertificate } from '../gate/gate.ts';
import type { Chunk } from '../ledger/chunk.ts';
import { type Run, stages } from '../ledger/run.ts';
import { type Manifest, sourceVersions } from '../run/manifest.ts';
import { auditDraft } from './audit-events.ts';
import { keepLocked, parseForeign } from './locked-records.ts';
import type { FinishPorts } from './ports.ts';
import { sealAudit } from './seal-audit.ts';
import { requireBytes } from './work-objects.ts';

type ProofPorts = Pick<FinishPorts, 'audit' | 'buckets' | 'clock' | 'signer' | 'lockDays'>;

export interface RunEvidence {
  readonly run: Run;
  readonly chunks: readonly Chunk[];
  readonly manifest: Manifest;
  readonly certificates: readonly CheckedCertificate[];
  readonly connections: readonly RecordedConnection[];
  readonly keyIds: readonly string[];
}

export const recordKey = ({ pipeline, runId }: Pick<Run, 'pipeline' | 'runId'>): string =>
  `records/${pipeline}/${runId}.json`;

/**
 * Signs what a run did and keeps it where nobody can delete it for `lockDays`; then seals the audit chain up to it.
 * Repeated, the record that was kept first stands: signatures differ each time.
 * @throws Failure `record-exchanged` where another record than this run's lies in its place
 */
export async function proveRun(ports: ProofPorts, evidence: RunEvidence): Promise<void> {
  const { run } = evidence;
  const { records } = ports.buckets;
  const key = recordKey(run);
  const committed = { chunks: evidence.chunks.length, ...run.books, loadId: run.loadId };
  await ports.audit.append(
    run.pipeline,
    auditDraft(run, 'committed', { at: ports.clock.now(), facts: committed }),
  );
  if (!(await records.head(key))) {
    const record = { ...describe(evidence), audit: await ports.audit.head(run.pipeline) };
    await keepLocked(ports, key, await signRunRecord(record, await ports.signer()));
  }
  const record = await requireProof(ports, evidence);
  const facts = { record: key, digest: digestOfRecord(record) };
  await ports.audit.append(run.pipeline, auditDraft(run, 'record-signed', { at: ports.clock.now(), facts }));
  await sealAudit(ports, { chain: run.pipeline, name: run.runId });
}

/**
 * The record that is kept of a run, signed by our key and about what the run did; whom it has met on the way and how
 * far the audit chain went may differ from one worker to the next.
 * @throws Failure `record-exchanged`, `work-object-missing`
 */
export async function requireProof(
  { buckets, signer }: Pick<ProofPorts, 'buckets' | 'signer'>,
  evidence: RunEvidence,
): Promise<RunRecord> {
  const key = recordKey(evidence.run);
  const candidate = parseForeign(await requireBytes(buckets.records, key));
  const forgery = findForgery(candidate, await signer());
  if (forgery) throw exchanged(key, forgery);
  const { record } = candidate as SignedRunRecord;
  const known = describe(evidence);
  const { connections, certificates } = known;
  const comparable = { ...record, connections, certificates, audit: undefined };
  if (asText(comparable) !== asText(known))
    throw exchanged(key, 'it is about something else than this run did');
  return record;
}

/** What says that a record is not ours at all; whether it agrees with itself is for whoever reads it. */
const forgeries: ReadonlySet<RecordProblem['code']> = new Set([
  'record-malformed',
  'signer-unknown',
  'signature-invalid',
]);

function findForgery(candidate: unknown, key: TrustedKey): string | undefined {
  try {
    return verifyRunRecord(candidate, { trustedKeys: [key] }).find(({ code }) => forgeries.has(code))?.code;
  } catch {
    // What has no canonical form was never signed.
    return 'record-malformed';
  }
}

const asText = (record: object): string => canonicalJson(record as CanonicalValue);

const exchanged = (key: string, why: string) =>
  new Failure({
    code: 'record-exchanged',
    disposition: 'give-up',
    message: `the object ${key} is not the record of this run (${why}); find out who writes in the bucket, or whether the signing key was changed in between, then supersede the run`,
  });

function describe(evidence: RunEvidence): Omit<RunRecord, 'audit'> {
  const { run, chunks, manifest, certificates, connections, keyIds } = evidence;
  return {
    version: 1,
    pipeline: run.pipeline,
    runId: run.runId,
    loadId: run.loadId,
    scope: run.scopeKey,
    openedAt: run.openedAt.toISOString(),
    committedAt: (run.committed?.at ?? run.openedAt).toISOString(),
    configHash: run.configHash,
    contractVersion: run.contractVersion,
    manifestDigest: run.manifestDigest ?? '',
    sourceVersions: sourceVersions(manifest),
    chunks: chunks.map((chunk) => ({
      chunkId: chunk.chunkId,
      digest: chunk.results.load?.outDigest ?? '',
      counts: booksOfChunk(chunk),
    })),
    counts: run.books ?? emptyBooks,
    keyIds,
    certificates: [...new Set(certificates.map(({ fingerprint }) => fingerprint))].sort(),
    connections: distinct(connections),
  };
}

const booksOfChunk = ({ results }: Chunk): Books =>
  addBooks(stages.flatMap((stage) => results[stage]?.books ?? []));

function distinct(connections: readonly RecordedConnection[]): RecordedConnection[] {
  const once = new Map(connections.map((connection) => [JSON.stringify(connection), connection]));
  return [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, connection]) => connection);
}
