import * as z from 'zod';
import { mapBounded } from '../../runtime/concurrency.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Run } from '../ledger/run.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import { auditDraft } from './audit-events.ts';
import type { FinishPorts } from './ports.ts';
import { keepJson, readJson, sha256, workKeys } from './work-objects.ts';

const receiptSchema = z.object({
  erased: z.array(z.object({ key: z.string(), versionId: z.string() })),
});

/** How often is looked for what is still being written. */
const turns = 5;
/** Deletions under way at once. */
const atOnce = 8;

/**
 * Erases, version by version, everything a run has read and staged; only for a run whose books balance. The receipt
 * lists the versions and is kept before the first of them is erased, so that a worker who ends in between leaves it
 * whole. Answers how many there were.
 */
export async function eraseRaw(
  { buckets, audit, clock }: Pick<FinishPorts, 'buckets' | 'audit' | 'clock'>,
  run: Run,
): Promise<number> {
  const key = receiptKey(run);
  await keepJson(buckets.records, key, { runId: run.runId, erased: await listVersions(buckets.work, run) });
  const receipt = await readJson(buckets.records, key);
  const { erased } = receiptSchema.parse(receipt);
  await eraseAll(buckets.work, erased);
  // Then what workers have left behind that woke up after the receipt was written.
  let left = await listVersions(buckets.work, run);
  for (let turn = 0; turn < turns && left.length > 0; turn += 1) {
    await eraseAll(buckets.work, left);
    left = await listVersions(buckets.work, run);
  }
  if (left.length > 0) throw notErased(run);
  const facts = { receipt: key, versions: erased.length, digest: sha256(JSON.stringify(receipt)) };
  await audit.append(run.pipeline, auditDraft(run, 'raw-erased', { at: clock.now(), facts }));
  return erased.length;
}

/** How many versions the receipt of a run lists. @throws Failure `work-object-missing` */
export async function countErased({ buckets }: Pick<FinishPorts, 'buckets'>, run: Run): Promise<number> {
  return receiptSchema.parse(await readJson(buckets.records, receiptKey(run))).erased.length;
}

const receiptKey = ({ pipeline, runId }: Run): string => `receipts/${pipeline}/${runId}.json`;

interface Version {
  readonly key: string;
  readonly versionId: string;
}

async function listVersions(work: ObjectStore, run: Run): Promise<Version[]> {
  const versions: Version[] = [];
  for (const part of ['raw', 'staged'] as const)
    for await (const { key, versionId } of work.listVersions(workKeys.parts(run, part)))
      versions.push({ key, versionId });
  return versions;
}

async function eraseAll(work: ObjectStore, versions: readonly Version[]): Promise<void> {
  await mapBounded(versions, atOnce, ({ key, versionId }) => work.deleteVersion(key, versionId));
}

const notErased = ({ runId, pipeline }: Run) =>
  new Failure({
    code: 'raw-not-erased',
    disposition: 'retry',
    message: `raw data of run ${runId} of ${pipeline} is still being written or cannot be erased; see who writes it`,
  });
