import type { Books } from '../books/books.ts';
import type { QualityTally } from '../books/quality.ts';
import type { GateProblem } from '../gate/gate.ts';
import type { RunScope } from '../run/scope.ts';
import type { FailureClass } from './failure-class.ts';

export const stages = ['extract', 'transform', 'load'] as const;
/** What is done to every chunk, in this order. */
export type Stage = (typeof stages)[number];

/**
 * - `checking`: opened; its certificates are checked, then its source is listed;
 * - `held`: a certificate must be renewed first;
 * - `planned`: its manifest is fixed, its chunks are being written down;
 * - `extracting`, `transforming`, `loading`: the stage that not all chunks have finished;
 * - `loaded`: every chunk is in the target and the books balance: committed;
 * - `reported`: and people have been told;
 * - `failed`: nothing goes on until a person resumes or supersedes it; due until people have been told.
 */
export const runStates = [
  'checking',
  'held',
  'planned',
  'extracting',
  'transforming',
  'loading',
  'loaded',
  'reported',
  'failed',
] as const;
export type RunState = (typeof runStates)[number];

/** Where the one run of a pipeline about a scope stands. */
export interface RunSlot {
  readonly pipeline: string;
  readonly scopeKey: string;
}

export interface Lease {
  readonly owner: string;
  readonly until: Date;
}

/** What went wrong, without the words of whoever refused: those may quote a record. */
export interface RecordedFailure {
  readonly class: FailureClass;
  readonly code: string;
  readonly at: Date;
  readonly stage?: Stage | undefined;
  readonly chunkId?: string | undefined;
}

/** A load that the target holds. */
export interface Commit {
  readonly runId: string;
  readonly at: Date;
  /** How far the source has been read, in its own words. */
  readonly watermark?: string | undefined;
}

export interface Run extends RunSlot {
  readonly scope: RunScope;
  readonly runId: string;
  readonly loadId: string;
  readonly target: string;
  readonly trigger: 'schedule' | 'manual' | 'backfill' | 'replay';
  readonly configHash: string;
  readonly contractVersion: string;
  /** Grows by one with every write: a write over another version than was read is refused. */
  readonly version: number;
  readonly state: RunState;
  readonly openedAt: Date;
  /** What the state was when the run failed. */
  readonly failedIn?: RunState | undefined;
  readonly failure?: RecordedFailure | undefined;
  /** Since when nobody has got the run any further, though each tried; absent where the last one did. */
  readonly strugglingSince?: Date | undefined;
  /** What the run is held for. */
  readonly heldFor?: readonly GateProblem[] | undefined;
  readonly manifestKey?: string | undefined;
  readonly manifestDigest?: string | undefined;
  readonly chunkCount?: number | undefined;
  /** How far the source will have been read once the run is committed. */
  readonly watermark?: string | undefined;
  readonly books?: Books | undefined;
  readonly quality?: QualityTally | undefined;
  /** The last load of this scope; a superseding run keeps its predecessor's until it has its own. */
  readonly committed?: Commit | undefined;
  /** Present while start-etl or report-etl works on the run. */
  readonly lease?: Lease | undefined;
  /** When the run is looked at again; absent where it has ended, and where it failed and people know. */
  readonly nextActionAt?: Date | undefined;
}
