import type { Chunk, ChunkRef, LeasedChunk } from './chunk.ts';
import type { Commit, Run, RunSlot, RunState, Stage } from './run.ts';

/** Something whose time has come, for the function of its state or stage. */
export type DueWork =
  | ({ readonly kind: 'run'; readonly state: RunState; readonly nextActionAt: Date } & RunSlot)
  | ({ readonly kind: 'chunk'; readonly stage: Stage; readonly nextActionAt: Date } & ChunkRef);

/**
 * The truth about runs and chunks. A run is written by whoever read its present version, a chunk by the worker
 * that claimed it last; every write touches one item. Failures: `store-unavailable`; `lease-lost` for a chunk's
 * write under an older fence.
 */
export interface RunLedger {
  /**
   * Adds a run to its slot unless there is one, and answers the run that is there: the given one where its
   * `runId` says so. A call may be repeated.
   */
  openRun(run: Run): Promise<Run>;
  getRun(slot: RunSlot): Promise<Run | undefined>;
  /** Writes a run over the version before its own; false when another writer was first. */
  replaceRun(run: Run): Promise<boolean>;
  /** The load of the latest window that has one: the only place where a watermark is read. */
  lastCommit(pipeline: string): Promise<Commit | undefined>;
  /** How far the schedule has opened windows; undefined before its first. */
  scheduledUntil(pipeline: string): Promise<Date | undefined>;
  /** Says so; it never goes back. */
  markScheduled(pipeline: string, until: Date): Promise<void>;

  /** Adds chunks; one that exists is left as it is. */
  addChunks(chunks: readonly Chunk[]): Promise<void>;
  getChunk(ref: ChunkRef): Promise<Chunk | undefined>;
  /** All chunks of a run by their place in the manifest. */
  listChunks(run: { pipeline: string; runId: string }): Promise<readonly Chunk[]>;
  /**
   * The chunk under a new lease, due again when the lease ends; undefined when another owner's lease holds, when
   * it rests, is done, or does not exist. A claim repeated by the same owner answers the same chunk.
   */
  claimChunk(
    ref: ChunkRef,
    lease: { owner: string; now: Date; until: Date },
  ): Promise<LeasedChunk | undefined>;
  /** Writes the chunk, keeping the lease; it is due when the lease ends. */
  saveChunk(chunk: LeasedChunk): Promise<void>;
  /** Writes the chunk and ends the lease. */
  releaseChunk(chunk: LeasedChunk): Promise<void>;

  /** Counts a chunk as through with a stage, however often it is said; answers how many are. */
  countFinished(chunk: Pick<Chunk, 'pipeline' | 'runId' | 'ordinal'>, stage: Stage): Promise<number>;
  /** How many chunks of a run are through with a stage. */
  finishedCount(run: { pipeline: string; runId: string }, stage: Stage): Promise<number>;

  /** Runs and chunks of a pipeline with nextActionAt <= `until`, oldest first; may lag behind writes. */
  findDue(query: { pipeline: string; until: Date; limit: number }): Promise<readonly DueWork[]>;
  /** Moves nextActionAt of what is due; false when somebody has written it since. */
  postpone(due: DueWork, nextActionAt: Date): Promise<boolean>;
}
