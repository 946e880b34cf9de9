import {
  digestOfRecord,
  type RecordedConnection,
  type RunRecord,
  type SignedRunRecord,
  signRunRecord,
} from '../../audit/run-record.ts';
import { addBooks, type Books, emptyBooks } from '../books/books.ts';
import type { CheckedCertificate } from '../gate/gate.ts';
import type { Chunk } from '../ledger/chunk.ts';
import { type Run, stages } from '../ledger/run.ts';
import { type Manifest, sourceVersions } from '../run/manifest.ts';
import { auditDraft } from './audit-events.ts';
import type { FinishPorts } from './ports.ts';
import { lockEnd, sealAudit } from './seal-audit.ts';
import { readBytes } from './work-objects.ts';

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
  let kept = await readBytes(records, key);
  if (!kept) {
    const record = { ...describe(evidence), audit: await ports.audit.head(run.pipeline) };
    const body = Buffer.from(JSON.stringify(await signRunRecord(record, await ports.signer())));
    const lockedUntil = lockEnd(ports);
    await records.create({ key, body, contentType: 'application/json', lockedUntil });
    kept = (await readBytes(records, key)) ?? body;
  }
  const { record } = JSON.parse(kept.toString('utf8')) as SignedRunRecord;
  const facts = { record: key, digest: digestOfRecord(record) };
  await ports.audit.append(run.pipeline, auditDraft(run, 'record-signed', { at: ports.clock.now(), facts }));
  await sealAudit(ports, { chain: run.pipeline, name: run.runId });
}

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
