import { mapBounded } from '../../runtime/concurrency.ts';
import { Failure } from '../../runtime/errors.ts';
import { thresholdsOf } from '../books/thresholds.ts';
import {
  type CarryOutcome,
  type CarryPorts,
  type ChunkWork,
  carryChunk,
  notTaken,
  type WorkOutcome,
} from '../ledger/carry-chunk.ts';
import type { Chunk, ChunkRef, LeasedChunk } from '../ledger/chunk.ts';
import type { RunSlot, RunState, Stage } from '../ledger/run.ts';
import { definitionOrEnd } from './definitions.ts';
import { extractChunk } from './extract-chunk.ts';
import { loadChunk } from './load-chunk.ts';
import type { ChainPorts, DefinedRun, Worker } from './ports.ts';
import { sweepOrphans } from './sweep-orphans.ts';
import { transformChunk } from './transform-chunk.ts';
import { failureOf } from './work-failure.ts';

type StageWork = (
  ports: ChainPorts,
  worker: Worker,
  work: DefinedRun & { chunk: LeasedChunk },
) => Promise<WorkOutcome>;

const works: Readonly<Record<Stage, StageWork>> = {
  extract: extractChunk,
  transform: transformChunk,
  load: loadChunk,
};

/**
 * Chunks that are started together; the tick starts the others, as many each minute, so that what waits for a worker
 * does not pile up in front of it.
 */
export const chunksAtOnce = 100;
/** Invocations under way at once. */
const invocations = 16;

/**
 * Carries a chunk through the stage it stands at and starts what comes next. Events come twice and late: a chunk that
 * stands at another stage than the worker's is left to the function of that stage, which has the role for it.
 * @throws Failure `lease-lost`, those of the ledger
 */
export async function carry(
  ports: ChainPorts & Pick<CarryPorts, 'onFailure'>,
  worker: Worker,
  ref: ChunkRef,
): Promise<CarryOutcome> {
  const chunk = await ports.ledger.getChunk(ref);
  const run = chunk && (await ports.ledger.getRun(chunk));
  if (!run) return notTaken(chunk ? 'run-gone' : 'chunk-unknown');
  if (!isFor(worker, chunk)) return notTaken('another-stage');
  const park = () => carryChunk({ ...ports, ...worker }, ref, workOnSuperseded);
  // The chunk is parked, so that it is due no more.
  if (run.runId !== ref.runId) return park();
  const pipeline = await definitionOrEnd(ports, run);
  if (!pipeline) return park();
  const carryPorts = { ...ports, ...worker, thresholds: thresholdsOf(pipeline, run.scope.kind) };
  let held: LeasedChunk | undefined;
  try {
    const outcome = await carryChunk(carryPorts, ref, async (leased, current) => {
      held = leased;
      if (!isFor(worker, leased)) throw movedOn(leased);
      try {
        return await works[leased.stage](ports, worker, { chunk: leased, run: current, pipeline });
      } catch (error) {
        throw failureOf(error, worker);
      }
    });
    await followUp(ports, { ...run, ref }, outcome);
    return outcome;
  } catch (error) {
    if (held && error instanceof Failure && error.code === 'lease-lost')
      await sweepOrphans(ports, { run, chunk: held });
    throw error;
  }
}

const isFor = (worker: Worker, { stage }: Chunk): boolean =>
  worker.stage === undefined || worker.stage === stage;

/** Between the first look and the claim; the tick sends it to the right function. */
const movedOn = ({ chunkId, stage }: Chunk) =>
  new Failure({
    code: 'stage-of-another',
    disposition: 'retry',
    message: `chunk ${chunkId} has come to ${stage} meanwhile, which is another function's`,
  });

const workOnSuperseded: ChunkWork = async ({ chunkId, runId }) => {
  throw new Failure({
    code: 'run-superseded',
    disposition: 'bug',
    message: `chunk ${chunkId} of run ${runId} was to be worked on, and the run was superseded`,
  });
};

async function followUp(
  ports: ChainPorts,
  { ref, ...run }: RunSlot & { runId: string; ref: ChunkRef },
  outcome: CarryOutcome,
): Promise<void> {
  switch (outcome.kind) {
    case 'paused':
      // Not by the chunk's own function: Lambda ends what keeps calling itself. The tick sends it on.
      return;
    case 'failed':
      return ports.invoker.report(run);
    case 'finished':
      if (outcome.next && outcome.next !== 'load') await ports.invoker.carry(outcome.next, ref);
      await startNext(ports, run, outcome.entered);
      return;
    default:
      return;
  }
}

/** Starts what a run's new states ask for. Whatever is lost here is due again. */
export async function startNext(
  { ledger, invoker }: Pick<ChainPorts, 'ledger' | 'invoker'>,
  run: RunSlot & { runId: string },
  entered: readonly RunState[],
): Promise<void> {
  if (entered.includes('loading') && !entered.includes('loaded')) {
    const chunks = await ledger.listChunks(run);
    await mapBounded(chunks.slice(0, chunksAtOnce), invocations, ({ pipeline, runId, chunkId }) =>
      invoker.carry('load', { pipeline, runId, chunkId }),
    );
  }
  if (entered.includes('loaded') || entered.includes('failed')) await invoker.report(run);
}
