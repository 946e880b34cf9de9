import type { RecordedConnection } from '../../audit/run-record.ts';
import { secondsAfter } from '../../runtime/clock.ts';
import { tableShapeOf } from '../destinations/table-shape.ts';
import type { Chunk } from '../ledger/chunk.ts';
import { changeRun, claimRun, giveUpOrBack, reportableStates } from '../ledger/open-run.ts';
import type { Run, RunSlot } from '../ledger/run.ts';
import { buildEtlReport } from '../report/build-etl-report.ts';
import type { EtlReport } from '../report/etl-report.ts';
import { loadIdAt } from '../run/scope.ts';
import { checkedPeers, refuseUnverified } from './checked-peers.ts';
import { definitionOf } from './definitions.ts';
import { countErased, eraseRaw } from './erase-raw.ts';
import { foldReplays } from './fold-replays.ts';
import { isReportKept, keepReport } from './kept-reports.ts';
import type { DefinedRun, FinishPorts, Worker } from './ports.ts';
import { proveRun, requireProof } from './prove-run.ts';
import { listReplays } from './replays.ts';
import { readPlan } from './run-plan.ts';
import { settleQuarantine } from './settle-quarantine.ts';
import { connectionsOf } from './stage-result.ts';
import { sumIndexes } from './sum-indexes.ts';
import { eraseUnder } from './sweep-orphans.ts';
import { tellTrouble } from './tell-trouble.ts';
import { failureOf } from './work-failure.ts';
import { workKeys } from './work-objects.ts';

/**
 * Finishes a run that is loaded: destinations first, then what was read is erased, then the record is signed, then
 * people are told. Every step may be repeated; a run that is held or has failed is told of. Answers the report,
 * undefined where there is nothing to report or another worker has the run. What cannot be finished fails the run;
 * that people cannot be reached does not.
 */
export async function finishRun(
  ports: FinishPorts,
  worker: Worker,
  slot: RunSlot,
): Promise<EtlReport | undefined> {
  const found = await ports.ledger.getRun(slot);
  if (found?.state === 'held') return tellTrouble(ports, found);
  const { pipeline: name, scopeKey } = slot;
  const until = secondsAfter(ports.clock.now(), worker.leaseSeconds);
  const wanted = { pipeline: name, scopeKey, states: reportableStates };
  const run = await claimRun(ports, wanted, { owner: worker.owner, until });
  if (!run) return undefined;
  if (run.state === 'failed') return tellTrouble(ports, run);

  const { report, pipeline } = await complete(ports, worker, run).catch(async (error: unknown) => {
    const failure = failureOf(error, worker);
    // The tick has a failed run told of: report-etl does not call itself.
    await giveUpOrBack(ports, run, failure);
    throw failure;
  });
  await ports.tell(report, pipeline);
  await changeRun(ports, run, { event: 'reported' });
  // Whoever was overtaken and wakes up from now on clears up by itself; this is for those who did just before.
  for (const part of ['raw', 'staged'] as const)
    await eraseUnder(ports.buckets.work, workKeys.parts(run, part));
  return report;
}

/** Does what is left to do for a run, once; afterwards there is only to tell of it. */
async function complete(ports: FinishPorts, worker: Worker, run: Run) {
  const { work } = ports.buckets;
  const pipeline = await definitionOf(work, run);
  const chunks = await ports.ledger.listChunks(run);
  const { manifest, certificates, connections: planned } = await readPlan(work, run);
  const sums = await sumIndexes(work, chunks);
  const known = { ...sums, run, pipeline, certificates };
  const finishedAt = ports.clock.now();
  const sofar = [...planned, ...connectionsOf(chunks)];
  if (await isReportKept(ports, run, 'succeeded')) {
    // Whoever writes a report in advance is not to spare a run its proof.
    const { keyIds } = sums;
    await requireProof(ports, { run, chunks, manifest, certificates, connections: sofar, keyIds });
    const rawDeleted = await countErased(ports, run);
    return { pipeline, report: buildEtlReport({ ...known, connections: sofar, rawDeleted, finishedAt }) };
  }
  const connections = [...sofar, ...(await finishDestinations(ports, worker, { run, pipeline, chunks }))];
  // Before anything is erased: the books of a replay and of what it replays have to be one.
  await foldReplays(ports, run);
  const rawDeleted = await eraseRaw(ports, run);
  await settleQuarantine(ports, { run, manifest, kept: sums.quarantined });
  await proveRun(ports, { run, chunks, manifest, certificates, connections, keyIds: sums.keyIds });
  const report = buildEtlReport({ ...known, connections, rawDeleted, finishedAt });
  await keepReport(ports, report, 'succeeded');
  return { pipeline, report };
}

async function finishDestinations(
  ports: FinishPorts,
  { deadline }: Worker,
  { run, pipeline, chunks }: DefinedRun & { run: Run; chunks: readonly Chunk[] },
): Promise<readonly RecordedConnection[]> {
  const peers = await checkedPeers(ports, pipeline, deadline.signal);
  const destinations = await ports.ends.destinations(pipeline, peers);
  const load = {
    pipeline: run.pipeline,
    runId: run.runId,
    shape: tableShapeOf(pipeline),
    signal: deadline.signal,
  };
  // What was replayed of an earlier load of this scope is among the rows of this one.
  const replays = await listReplays(ports.ledger, { ...run, of: run.scopeKey });
  try {
    for (const destination of destinations) {
      const loadIdHere = (each: Run) => loadIdAt(destination.name, each.loadId);
      for (const replay of replays)
        await destination.finish({ ...load, loadId: loadIdHere(replay), of: 0, chunkIds: [] });
      const chunkIds = chunks.map(({ chunkId }) => chunkId);
      await destination.finish({ ...load, loadId: loadIdHere(run), of: chunks.length, chunkIds });
    }
    return refuseUnverified(ports.recorder.drain());
  } finally {
    for (const destination of destinations) await destination.close();
  }
}
