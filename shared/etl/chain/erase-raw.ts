import * as z from 'zod';
import { mapBounded } from '../../runtime/concurrency.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Run } from '../ledger/run.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { auditDraft } from './audit-events.ts';
import { keepLocked, parseForeign } from './locked-records.ts';
import type { FinishPorts } from './ports.ts';
import { requireBytes, sha256, workKeys } from './work-objects.ts';

const receiptSchema = z.object({
  runId: z.string(),
  erased: z.array(z.object({ key: z.string(), versionId: z.string() })),
});

/** How often is looked for what is still being written. */
const turns = 5;
/** Deletions under way at once. */
const atOnce = 8;

/**
 * Erases, version by version, everything a run has read and staged; only for a run whose books balance. The receipt
 * lists the versions and is kept before the first of them is erased, so that a worker who ends in between leaves it
 * whole, and nobody can delete it for `lockDays`. Answers how many there were.
 * @throws Failure `receipt-exchanged`, `raw-not-erased`
 */
export async function eraseRaw(
  ports: Pick<FinishPorts, 'buckets' | 'audit' | 'clock' | 'lockDays'>,
  run: Run,
): Promise<number> {
  const { buckets, audit, clock } = ports;
  const key = receiptKey(run);
  await keepLocked(ports, key, { runId: run.runId, erased: await listVersions(buckets.work, run) });
  const { erased, digest } = await readReceipt(buckets.records, run);
  await eraseAll(buckets.work, erased);
  // Then what workers have left behind that woke up after the receipt was written.
  let left = await listVersions(buckets.work, run);
  for (let turn = 0; turn < turns && left.length > 0; turn += 1) {
    await eraseAll(buckets.work, left);
    left = await listVersions(buckets.work, run);
  }
  if (left.length > 0) throw notErased(run);
  const facts = { receipt: key, versions: erased.length, digest };
  await audit.append(run.pipeline, auditDraft(run, 'raw-erased', { at: clock.now(), facts }));
  return erased.length;
}

/** How many versions the receipt of a run lists. @throws Failure `work-object-missing`, `receipt-exchanged` */
export async function countErased({ buckets }: Pick<FinishPorts, 'buckets'>, run: Run): Promise<number> {
  return (await readReceipt(buckets.records, run)).erased.length;
}

/** What somebody else put in a receipt's place could have other runs' data erased. */
async function readReceipt(records: ObjectStore, run: Run) {
  const bytes = await requireBytes(records, receiptKey(run));
  const receipt = receiptSchema.safeParse(parseForeign(bytes));
  if (!receipt.success || receipt.data.runId !== run.runId) throw exchanged(run);
  const { erased } = receipt.data;
  const prefixes = partsOf(run);
  if (!erased.every(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)))) throw exchanged(run);
  return { erased, digest: sha256(bytes) };
}

const receiptKey = ({ pipeline, runId }: Run): string => `receipts/${pipeline}/${runId}.json`;

interface Version {
  readonly key: string;
  readonly versionId: string;
}

async function listVersions(work: ObjectStore, run: Run): Promise<Version[]> {
  const versions: Version[] = [];
  for (const prefix of partsOf(run))
    for await (const { key, versionId } of work.listVersions(prefix)) versions.push({ key, versionId });
  return versions;
}

const partsOf = (run: Run): readonly string[] => [workKeys.parts(run, 'raw'), workKeys.parts(run, 'staged')];

async function eraseAll(work: ObjectStore, versions: readonly Version[]): Promise<void> {
  await mapBounded(versions, atOnce, ({ key, versionId }) => work.deleteVersion(key, versionId));
}

const exchanged = (run: Run) =>
  new Failure({
    code: 'receipt-exchanged',
    disposition: 'give-up',
    message: `${receiptKey(run)} is not the receipt of this run; find out who writes in the bucket, then supersede the run`,
  });

const notErased = ({ runId, pipeline }: Run) =>
  new Failure({
    code: 'raw-not-erased',
    disposition: 'retry',
    message: `raw data of run ${runId} of ${pipeline} is still being written or cannot be erased; see who writes it`,
  });
