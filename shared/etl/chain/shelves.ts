import type { Run } from '../ledger/run.ts';
import type { PartShelf } from './parts.ts';
import type { ChainPorts } from './ports.ts';

type ShelfPorts = Pick<ChainPorts, 'keys' | 'buckets' | 'random'>;

/** Where a run's raw and staged parts are kept: under one data key of the run, which nothing else is sealed by. */
export async function rawShelf(
  { keys, buckets, random }: ShelfPorts,
  { pipeline, runId }: Pick<Run, 'pipeline' | 'runId'>,
): Promise<PartShelf> {
  const dataKey = await keys.keyFor({ pipeline, runId, table: '_raw', master: 'cells' });
  return { store: buckets.work, dataKey, random };
}

/** Where what a run sets aside is kept: another bucket, under another master key. */
export async function quarantineShelf(
  { keys, buckets, random }: ShelfPorts,
  { pipeline, runId }: Pick<Run, 'pipeline' | 'runId'>,
): Promise<PartShelf> {
  const dataKey = await keys.keyFor({ pipeline, runId, table: '_quarantine', master: 'quarantine' });
  return { store: buckets.quarantine, dataKey, random };
}
