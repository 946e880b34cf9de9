import { secondsAfter } from '../../runtime/clock.ts';
import { mapBounded } from '../../runtime/concurrency.ts';
import { thresholdsOf } from '../books/thresholds.ts';
import type { GateProblem, GateVerdict } from '../gate/gate.ts';
import { changeRun, claimRun, giveUpOrBack, startableStates } from '../ledger/open-run.ts';
import { fixManifest, writeChunks } from '../ledger/plan-run.ts';
import type { Run, RunSlot } from '../ledger/run.ts';
import { buildManifest, type Manifest } from '../run/manifest.ts';
import { chunksAtOnce } from './carry.ts';
import { refuseUnverified } from './checked-peers.ts';
import { definitionOf } from './definitions.ts';
import type { ChainPorts, DefinedRun, Worker } from './ports.ts';
import { readPlan } from './run-plan.ts';
import { openSourceOf } from './source-of-run.ts';
import { failureOf } from './work-failure.ts';
import { keepJson, workKeys } from './work-objects.ts';

/** Kept of what a run is held for. */
const mostProblems = 20;
/** Invocations under way at once. */
const invocations = 16;

/** Takes an opened run through the gate and to its chunks. Undefined where another worker has it, or nothing is to do. */
export async function startRun(ports: ChainPorts, worker: Worker, slot: RunSlot): Promise<Run | undefined> {
  const { pipeline, scopeKey } = slot;
  const until = secondsAfter(ports.clock.now(), worker.leaseSeconds);
  const wanted = { pipeline, scopeKey, states: startableStates };
  const run = await claimRun(ports, wanted, { owner: worker.owner, until });
  if (!run) return undefined;
  try {
    return await advance(ports, worker, run);
  } catch (error) {
    const failure = failureOf(error, worker);
    if (await giveUpOrBack(ports, run, failure)) await ports.invoker.report(run);
    throw failure;
  }
}

async function advance(ports: ChainPorts, worker: Worker, run: Run): Promise<Run> {
  const { work } = ports.buckets;
  const pipeline = await definitionOf(work, run);
  if (run.state === 'planned')
    return beginChunks(ports, { run, pipeline }, (await readPlan(work, run)).manifest);
  ports.recorder.drain();
  const { signal } = worker.deadline;
  const verdict = await ports.gate.check(pipeline, { now: ports.clock.now(), signal });
  if (verdict.problems.length > 0) return hold(ports, run, verdict.problems);
  const checked = run.state === 'held' ? await changeRun(ports, run, { event: 'rechecked' }) : run;
  const { planned, manifest } = await plan(ports, { run: checked, pipeline, verdict, signal });
  return beginChunks(ports, { run: planned, pipeline }, manifest);
}

/**
 * People hear why, and certificates of the fleet are sent to renewal, once: from then on that is the renewal's own
 * affair. The run is looked at again by itself.
 */
async function hold(ports: ChainPorts, run: Run, problems: readonly GateProblem[]): Promise<Run> {
  const asked = new Set(run.heldFor?.map(({ renew }) => renew));
  const renewals = [...new Set(problems.flatMap(({ renew }) => renew ?? []))];
  await askForRenewal(
    ports,
    renewals.filter((name) => !asked.has(name)),
  );
  const held = await changeRun(ports, run, {
    event: 'held',
    details: { heldFor: problems.slice(0, mostProblems) },
  });
  await ports.invoker.report(held);
  return held;
}

/**
 * Each certificate once a day, however many runs it holds up: a renewal asked for here does not wait until it is due,
 * and one that does not help would use up what the CA grants.
 */
async function askForRenewal(
  { buckets, clock, invoker }: ChainPorts,
  names: readonly string[],
): Promise<void> {
  const day = clock.now().toISOString().slice(0, 10);
  for (const name of names) {
    const mark = workKeys.renewalAsked(day, name);
    if (await buckets.work.head(mark)) continue;
    await invoker.renew([name]);
    await keepJson(buckets.work, mark, {});
  }
}

async function plan(
  ports: ChainPorts,
  { run, pipeline, verdict, signal }: DefinedRun & { verdict: GateVerdict; signal: AbortSignal },
): Promise<{ planned: Run; manifest: Manifest }> {
  const source = await openSourceOf(ports, { run, pipeline, peers: verdict.peers });
  try {
    const { scope } = run;
    const window = scope.kind === 'window' ? scope : { from: run.openedAt, to: run.openedAt };
    const manifest = buildManifest(run.runId, await source.plan(window, signal));
    const connections = refuseUnverified(ports.recorder.drain());
    const manifestKey = workKeys.plan(run, run.version);
    // One version of a run is one planner's: a lease that is taken over makes another version.
    await keepJson(ports.buckets.work, manifestKey, {
      manifest,
      certificates: verdict.certificates,
      connections,
    });
    const watermark = scope.kind === 'window' ? scope.to.toISOString() : undefined;
    return { planned: await fixManifest(ports, run, { manifest, manifestKey, watermark }), manifest };
  } finally {
    await source.close();
  }
}

async function beginChunks(
  ports: ChainPorts,
  { run, pipeline }: DefinedRun,
  manifest: Manifest,
): Promise<Run> {
  const thresholds = thresholdsOf(pipeline, run.scope.kind);
  const begun = await writeChunks({ ...ports, thresholds }, run, manifest);
  if (begun.state === 'loaded') await ports.invoker.report(begun);
  else
    await mapBounded(manifest.entries.slice(0, chunksAtOnce), invocations, ({ chunkId }) =>
      ports.invoker.carry('extract', { pipeline: run.pipeline, runId: run.runId, chunkId }),
    );
  return begun;
}
