import type { LeasedChunk } from '../ledger/chunk.ts';
import type { Run } from '../ledger/run.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { ChainPorts } from './ports.ts';
import { quarantineOfRun } from './quarantine-lines.ts';
import { workKeys } from './work-objects.ts';

/**
 * For a worker that was overtaken and finds its run over: erases what it wrote after everything else had been erased.
 * While the run goes on nothing is touched, since another worker may build on it; the run's end erases it then.
 */
export async function sweepOrphans(
  { ledger, buckets }: Pick<ChainPorts, 'ledger' | 'buckets'>,
  { run, chunk }: { run: Run; chunk: LeasedChunk },
): Promise<void> {
  const current = await ledger.getRun(run);
  if (current?.runId === run.runId && current.state !== 'reported') return;
  for (const part of ['raw', 'staged'] as const) await eraseUnder(buckets.work, workKeys.parts(run, part));
  // No other stage sets anything aside, nor has a role to look there.
  if (chunk.stage !== 'transform') return;
  const place = `${chunk.chunkId}/transform-${chunk.lease.fence}`;
  const recorded = (await ledger.getChunk(chunk))?.results.transform?.outKey;
  if (recorded !== workKeys.index(run, place))
    await eraseUnder(buckets.quarantine, `${quarantineOfRun(run)}${place}/`);
}

/** Erases every version under a prefix. */
export async function eraseUnder(store: ObjectStore, prefix: string): Promise<void> {
  for await (const { key, versionId } of store.listVersions(prefix))
    await store.deleteVersion(key, versionId);
}
