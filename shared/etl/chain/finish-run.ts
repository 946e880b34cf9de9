import type { RecordedConnection } from '../../audit/run-record.ts';
import { secondsAfter } from '../../runtime/clock.ts';
import { tableShapeOf } from '../destinations/table-shape.ts';
import type { Chunk } from '../ledger/chunk.ts';
import { changeRun, claimRun } from '../ledger/open-run.ts';
import type { Run, RunSlot } from '../ledger/run.ts';
import { buildEtlReport } from '../report/build-etl-report.ts';
import type { EtlReport } from '../report/etl-report.ts';
import { checkedPeers, refuseUnverified } from './checked-peers.ts';
import { definitionOf } from './definitions.ts';
import { eraseRaw } from './erase-raw.ts';
import { foldReplays } from './fold-replays.ts';
import { keepReport } from './kept-reports.ts';
import type { DefinedRun, FinishPorts, Worker } from './ports.ts';
import { proveRun } from './prove-run.ts';
import { readPlan } from './run-plan.ts';
import { settleQuarantine } from './settle-quarantine.ts';
import { connectionsOf } from './stage-result.ts';
import { sumIndexes } from './sum-indexes.ts';
import { eraseUnder } from './sweep-orphans.ts';
import { tellTrouble } from './tell-trouble.ts';
import { workKeys } from './work-objects.ts';

/**
 * Finishes a run that is loaded: destinations first, then what was read is erased, then the record is signed, then
 * people are told. Every step may be repeated; a run that is held or has failed is told of. Answers the report,
 * undefined where there is nothing to report or another worker has the run.
 */
export async function finishRun(
  ports: FinishPorts,
  worker: Worker,
  slot: RunSlot,
): Promise<EtlReport | undefined> {
  const found = await ports.ledger.getRun(slot);
  if (found?.state === 'held') return tellTrouble(ports, found);
  const until = secondsAfter(ports.clock.now(), worker.leaseSeconds);
  const run = await claimRun(ports, slot, { owner: worker.owner, until });
  if (run?.state === 'failed') return tellTrouble(ports, run);
  if (run?.state !== 'loaded') return undefined;

  const pipeline = await definitionOf(ports.buckets.work, run);
  const chunks = await ports.ledger.listChunks(run);
  const { manifest, certificates, connections: planned } = await readPlan(ports.buckets.work, run);
  const connections = [
    ...planned,
    ...connectionsOf(chunks),
    ...(await finishDestinations(ports, worker, { run, pipeline, chunks })),
  ];
  // Before anything is erased: the books of a replay and of what it replays have to be one.
  await foldReplays(ports, run);
  const rawDeleted = await eraseRaw(ports, run);
  const sums = await sumIndexes(ports.buckets.work, chunks);
  await settleQuarantine(ports, { run, manifest, kept: sums.quarantined });
  await proveRun(ports, { run, chunks, manifest, certificates, connections, keyIds: sums.keyIds });
  const report = buildEtlReport({
    ...sums,
    run,
    pipeline,
    certificates,
    connections,
    rawDeleted,
    finishedAt: ports.clock.now(),
  });
  await keepReport(ports, report, 'succeeded');
  await ports.tell(report, pipeline);
  await changeRun(ports, run, { event: 'reported' });
  // Whoever was overtaken and wakes up from now on clears up by itself; this is for those who did just before.
  for (const part of ['raw', 'staged'] as const)
    await eraseUnder(ports.buckets.work, workKeys.parts(run, part));
  return report;
}

async function finishDestinations(
  ports: FinishPorts,
  { deadline }: Worker,
  { run, pipeline, chunks }: DefinedRun & { run: Run; chunks: readonly Chunk[] },
): Promise<readonly RecordedConnection[]> {
  const peers = await checkedPeers(ports, pipeline, deadline.signal);
  const destinations = await ports.ends.destinations(pipeline, peers);
  try {
    for (const destination of destinations)
      await destination.finish({
        pipeline: run.pipeline,
        loadId: run.loadId,
        runId: run.runId,
        of: chunks.length,
        chunkIds: chunks.map(({ chunkId }) => chunkId),
        shape: tableShapeOf(pipeline),
        signal: deadline.signal,
      });
    return refuseUnverified(ports.recorder.drain());
  } finally {
    for (const destination of destinations) await destination.close();
  }
}
