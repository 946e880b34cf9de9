import type { RecordedConnection } from '../../audit/run-record.ts';
import { secondsAfter } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Books } from '../books/books.ts';
import type { QualityTally } from '../books/quality.ts';
import type { ManifestEntry, SourceSlice } from '../run/manifest.ts';
import type { Tries } from './failure-class.ts';
import { type Lease, type RecordedFailure, type Run, type Stage, stages } from './run.ts';

/** All that a message says. */
export interface ChunkRef {
  readonly pipeline: string;
  readonly runId: string;
  readonly chunkId: string;
}

/** What a stage has done to a chunk. */
export interface StageResult {
  /** The stage's own part; see `Books`. */
  readonly books: Books;
  /** Where the stage's output is, and its digest (hexadecimal); absent where it writes none. */
  readonly outKey?: string | undefined;
  readonly outDigest?: string | undefined;
  readonly quality?: QualityTally | undefined;
  /** The TLS connections the stage made. */
  readonly connections?: readonly RecordedConnection[] | undefined;
}

/**
 * - `pending`: the work of `stage` is to be done;
 * - `settling`: it is done and on record, and the run has yet to hear of it;
 * - `done`: the last stage is.
 */
export type ChunkPhase = 'pending' | 'settling' | 'done';

export interface Chunk extends ChunkRef {
  readonly scopeKey: string;
  /** 0-based place in the manifest, of `of` chunks. */
  readonly ordinal: number;
  readonly of: number;
  readonly slice: SourceSlice;
  readonly stage: Stage;
  readonly phase: ChunkPhase;
  readonly results: Partial<Readonly<Record<Stage, StageResult>>>;
  readonly tries: Tries;
  /** Workers in a row that took the chunk and were not heard of again. */
  readonly vanished: number;
  /** Where a stage that was stopped by its time goes on, in the stage's own words. */
  readonly checkpoint?: string | undefined;
  readonly failure?: RecordedFailure | undefined;
  /** Nobody takes the chunk before. */
  readonly restsUntil?: Date | undefined;
  /** When it is sent out again unless somebody has taken it; absent when done, and when its run has failed. */
  readonly nextActionAt?: Date | undefined;
}

/** Held by one worker: writes under an older fence are refused. */
export interface LeasedChunk extends Chunk {
  readonly lease: Lease & {
    readonly fence: number;
    /** Another worker had it and did not give it back. */
    readonly takenOver: boolean;
  };
}

/** How long a message may be under way before its chunk is sent out again. */
export const resendSeconds = 120;

const fresh = {
  phase: 'pending',
  tries: { failures: 0, throttles: 0 },
  vanished: 0,
  checkpoint: undefined,
  restsUntil: undefined,
} as const;

/** The chunk that a manifest's entry becomes. */
export function firstChunk(run: Run, entry: ManifestEntry, plan: { of: number; now: Date }): Chunk {
  const { pipeline, scopeKey, runId } = run;
  const nextActionAt = secondsAfter(plan.now, resendSeconds);
  return {
    pipeline,
    scopeKey,
    runId,
    ...entry,
    of: plan.of,
    stage: 'extract',
    results: {},
    ...fresh,
    nextActionAt,
  };
}

/** The chunk with its stage's work on record. */
export function recordResult<C extends Chunk>(chunk: C, result: StageResult): C {
  const { checkpoint: _, failure: _f, ...rest } = chunk;
  return { ...(rest as C), phase: 'settling', results: { ...chunk.results, [chunk.stage]: result } };
}

/** The chunk at its next stage, or done after the last. */
export function moveOn<C extends Chunk>(chunk: C, now: Date): C {
  const next = stages[stages.indexOf(chunk.stage) + 1];
  if (!next) return { ...chunk, ...fresh, phase: 'done', nextActionAt: undefined };
  return { ...chunk, ...fresh, stage: next, nextActionAt: secondsAfter(now, resendSeconds) };
}

/** The chunk as it goes on later from `checkpoint`: it has come further, so what failed before is forgotten. */
export const pauseAt = <C extends Chunk>(chunk: C, checkpoint: string, now: Date): C => ({
  ...chunk,
  ...fresh,
  checkpoint,
  nextActionAt: now,
});

/** The chunk with its tries forgotten, as a person who resumes its run wants it; its place stays. */
export const startAfresh = <C extends Chunk>(chunk: C, now: Date): C => ({
  ...chunk,
  ...fresh,
  phase: chunk.phase,
  checkpoint: chunk.checkpoint,
  nextActionAt: now,
});

/** The fencing number moved on: another worker has the chunk, and this one must touch nothing more. */
export const chunkLost = ({ pipeline, runId, chunkId }: ChunkRef): Failure =>
  new Failure({
    code: 'lease-lost',
    disposition: 'retry',
    message: `another worker has taken over chunk ${chunkId} of run ${runId} of ${pipeline}`,
  });
