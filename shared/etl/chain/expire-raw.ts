import type { Run, RunSlot } from '../ledger/run.ts';
import type { ObjectVersion } from '../objects/object-store.ts';
import type { ChainPorts } from './ports.ts';
import { keepJson, rawExpired, workKeys } from './work-objects.ts';

type RawPorts = Pick<ChainPorts, 'ledger' | 'buckets'>;

/** What a run that is over has left of what it read and staged. */
export interface ExpiredRun {
  readonly pipeline: string;
  readonly runId: string;
  readonly versions: readonly ObjectVersion[];
}

/**
 * The runs of a pipeline whose raw or staged parts are older than allowed, each with all of them: a run that lost some
 * could not go on. Runs on their way keep theirs, however long they take.
 */
export async function findExpiredRuns(
  ports: RawPorts,
  { pipeline, before }: { pipeline: string; before: Date },
): Promise<readonly ExpiredRun[]> {
  const left = new Map<string, ObjectVersion[]>();
  for (const part of ['raw', 'staged'] as const)
    for await (const version of ports.buckets.work.listVersions(`${part}/${pipeline}/`)) {
      const [, , runId = ''] = version.key.split('/');
      const versions = left.get(runId) ?? [];
      left.set(runId, versions);
      versions.push(version);
    }
  const expired: ExpiredRun[] = [];
  for (const [runId, versions] of left) {
    if (versions.every(({ lastModifiedAt }) => lastModifiedAt >= before)) continue;
    if (!(await isOnItsWay(ports, { pipeline, runId, versions })))
      expired.push({ pipeline, runId, versions });
  }
  return expired;
}

/** The chunk that a part belongs to leads to the run; the part of an unknown chunk belongs to no run there is. */
async function isOnItsWay({ ledger }: RawPorts, { pipeline, runId, versions }: ExpiredRun): Promise<boolean> {
  const [, , , chunkId = ''] = versions[0]?.key.split('/') ?? [];
  const chunk = await ledger.getChunk({ pipeline, runId, chunkId });
  const run = chunk && (await ledger.getRun(chunk));
  return run?.runId === runId && !isOver(run);
}

const isOver = ({ state }: Run): boolean => state === 'failed' || state === 'reported';

/** Before anything of it is erased: who resumes the run from now on is told at once. */
export const markExpired = (
  { buckets }: Pick<ChainPorts, 'buckets'>,
  { versions, ...run }: ExpiredRun,
): Promise<string> => keepJson(buckets.work, workKeys.expired(run), { versions: versions.length });

/** @throws Failure `raw-expired` where the run of a slot has failed and what it read is gone */
export async function refuseExpired({ ledger, buckets }: RawPorts, slot: RunSlot): Promise<void> {
  const run = await ledger.getRun(slot);
  // One that failed after its load reads nothing more.
  if (
    run?.state === 'failed' &&
    run.failedIn !== 'loaded' &&
    (await buckets.work.head(workKeys.expired(run)))
  )
    throw rawExpired(run.runId);
}
