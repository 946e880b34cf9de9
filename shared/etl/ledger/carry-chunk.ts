import { secondsAfter } from '../../runtime/clock.ts';
import { asFailure, Failure } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import {
  type Chunk,
  type ChunkRef,
  type LeasedChunk,
  moveOn,
  pauseAt,
  recordResult,
  resendSeconds,
  type StageResult,
} from './chunk.ts';
import { classOf, decideRetry } from './failure-class.ts';
import type { RecordedFailure, Run, RunState, Stage } from './run.ts';
import { takesWork } from './run-transitions.ts';
import { advanceRun, failRun, type TendPorts } from './tend-run.ts';

export interface CarryPorts extends TendPorts {
  readonly random: Random;
  /** Names this worker among all that may run at once. */
  readonly owner: string;
  /** As long as the worker can live, and a little more. */
  readonly leaseSeconds: number;
  /** Hears of what the ledger keeps by its code alone; `again` is absent where the run fails with it. */
  onFailure?(chunk: Chunk, told: { failure: Failure; again?: Date }): void;
}

/** `checkpoint`: the work was stopped by its time and goes on from there in another invocation. */
export type WorkOutcome = StageResult | { readonly checkpoint: string };

/**
 * The work of a chunk's stage. It may be done again after a worker was lost, so its effects carry the chunk's
 * identity: outputs are put under keys with the fence and if-none-match, and a load commits `loadId`, `chunkId`
 * in the target's own transaction, refusing a (`runId`, fence) older than one it has seen.
 */
export type ChunkWork = (chunk: LeasedChunk, run: Run) => Promise<WorkOutcome>;

export type WhyNotTaken =
  | 'chunk-unknown'
  | 'done'
  | 'rests'
  | 'another-worker'
  | 'another-stage'
  | 'run-gone'
  | 'run-takes-no-work'
  | 'run-not-loading';

export type CarryOutcome =
  | { readonly kind: 'not-taken'; readonly why: WhyNotTaken }
  /** `entered`: what this call, and no other, has brought the run to. */
  | { readonly kind: 'finished'; readonly next: Stage | undefined; readonly entered: readonly RunState[] }
  | { readonly kind: 'paused'; readonly why: 'out-of-time' }
  | { readonly kind: 'retry'; readonly at: Date; readonly failure: RecordedFailure }
  | { readonly kind: 'failed'; readonly failure: RecordedFailure };

/** A chunk that takes its workers down is not given to more of them. */
const mostVanished = 5;

/**
 * Carries one chunk through its present stage: claims it, does the work unless it is on record, tells the run,
 * and hands the chunk on. The caller invokes `next` with the same reference, unless that is the load: it begins for
 * all chunks where `entered` has `loading`. Where it has `loaded` or `failed`, report-etl is invoked. If the caller
 * dies before, all of it is due again. A failure of the work is recorded, and the run fails with it
 * where it is tried no more.
 * @throws Failure `lease-lost` where another worker took over; those of the ledger
 */
export async function carryChunk(ports: CarryPorts, ref: ChunkRef, work: ChunkWork): Promise<CarryOutcome> {
  const chunk = await claim(ports, ref);
  if (!chunk) return notTaken(whyNotFree(await ports.ledger.getChunk(ref), ports.clock.now()));
  if (chunk.phase === 'settling') return settleChunk(ports, chunk);
  const run = await ports.ledger.getRun(chunk);
  if (run?.runId !== chunk.runId || !takesWork(run)) {
    // Parked: whoever resumes the run makes it due again.
    await ports.ledger.releaseChunk({ ...chunk, nextActionAt: undefined });
    return notTaken(run?.runId === chunk.runId ? 'run-takes-no-work' : 'run-gone');
  }
  if (chunk.stage === 'load' && run.state !== 'loading') {
    // Not before all chunks are transformed and the run's quality is known to allow it.
    const nextActionAt = secondsAfter(ports.clock.now(), resendSeconds);
    await ports.ledger.releaseChunk({ ...chunk, nextActionAt });
    return notTaken('run-not-loading');
  }
  let outcome: WorkOutcome;
  try {
    if (chunk.vanished > mostVanished) throw workersVanish(chunk);
    outcome = await work(chunk, run);
    if ('checkpoint' in outcome && outcome.checkpoint === chunk.checkpoint) throw noProgress(chunk);
  } catch (error) {
    return giveBack(ports, chunk, asFailure(error));
  }
  if ('checkpoint' in outcome) {
    await ports.ledger.releaseChunk(pauseAt(chunk, outcome.checkpoint, ports.clock.now()));
    return { kind: 'paused', why: 'out-of-time' };
  }
  const recorded = recordResult(chunk, outcome);
  await ports.ledger.saveChunk(recorded);
  return settleChunk(ports, recorded);
}

export const notTaken = (why: WhyNotTaken): CarryOutcome => ({ kind: 'not-taken', why });

function whyNotFree(chunk: Chunk | undefined, now: Date): WhyNotTaken {
  if (!chunk) return 'chunk-unknown';
  if (chunk.phase === 'done') return 'done';
  return chunk.restsUntil && chunk.restsUntil > now ? 'rests' : 'another-worker';
}

async function claim(
  { ledger, clock, owner, leaseSeconds }: CarryPorts,
  ref: ChunkRef,
): Promise<LeasedChunk | undefined> {
  const now = clock.now();
  const chunk = await ledger.claimChunk(ref, { owner, now, until: secondsAfter(now, leaseSeconds) });
  if (!chunk?.lease.takenOver || chunk.phase === 'settling') return chunk;
  const counted = { ...chunk, vanished: chunk.vanished + 1 };
  await ledger.saveChunk(counted);
  return counted;
}

/** The chunk is kept until the run has heard of it, so that the last one of a stage cannot go unnoticed. */
async function settleChunk(ports: CarryPorts, chunk: LeasedChunk): Promise<CarryOutcome> {
  const finished = await ports.ledger.countFinished(chunk, chunk.stage);
  const entered = finished >= chunk.of ? await advanceRun(ports, chunk) : [];
  const moved = moveOn(chunk, ports.clock.now());
  await ports.ledger.releaseChunk(moved);
  return { kind: 'finished', next: moved.phase === 'done' ? undefined : moved.stage, entered };
}

async function giveBack(ports: CarryPorts, chunk: LeasedChunk, failure: Failure): Promise<CarryOutcome> {
  // Not the work's failure: this worker no longer has the chunk.
  if (failure.code === 'lease-lost') throw failure;
  const now = ports.clock.now();
  const recorded = recordFailure(chunk, failure, now);
  const decision = decideRetry(failure, { tries: chunk.tries, now, random: ports.random });
  const tried = { ...chunk, tries: decision.tries, vanished: 0, failure: recorded };
  if (decision.kind === 'again') {
    await ports.ledger.releaseChunk({ ...tried, restsUntil: decision.at, nextActionAt: decision.at });
    ports.onFailure?.(chunk, { failure, again: decision.at });
    return { kind: 'retry', at: decision.at, failure: recorded };
  }
  // Under its fence first: who was overtaken does not fail a run whose chunk is in good hands.
  await ports.ledger.saveChunk(chunk);
  ports.onFailure?.(chunk, { failure });
  // Then the run: a chunk that is parked in a run that goes on would be missed by nobody.
  await failRun(ports, chunk, recorded);
  await ports.ledger.releaseChunk({ ...tried, nextActionAt: undefined });
  return { kind: 'failed', failure: recorded };
}

const recordFailure = ({ chunkId, stage }: Chunk, failure: Failure, at: Date): RecordedFailure => ({
  class: classOf(failure),
  code: failure.code,
  at,
  stage,
  chunkId,
});

const workersVanish = ({ chunkId, runId }: Chunk) =>
  new Failure({
    code: 'workers-vanish',
    disposition: 'give-up',
    message: `chunk ${chunkId} of run ${runId} ended more than ${mostVanished} workers; give them memory or time, or cut the source finer`,
  });

const noProgress = ({ chunkId, runId }: Chunk) =>
  new Failure({
    code: 'no-progress',
    disposition: 'retry',
    message: `chunk ${chunkId} of run ${runId} stopped where it began; give its worker more time`,
  });
