import { createHash } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import type { LoadChunk, LoadFigures, StagedPart } from './destination.ts';
import { standingOf } from './standing.ts';

/** What a target keeps about a chunk that it holds. */
export interface LoadedChunk {
  readonly runId: string;
  readonly fence: number;
  readonly rows: number;
  readonly figures: LoadFigures;
}

/** What becomes of a chunk that is to be loaded. */
export type LoadDecision =
  | { readonly kind: 'load' }
  | { readonly kind: 'done'; readonly figures: LoadFigures }
  | { readonly kind: 'superseded' };

/**
 * By run, then by fence; both grow. The same run is answered what it was told before, whoever asks: a transform
 * that was repeated may have sealed its cells anew, but the rows are the same ones. Only where their number
 * differs are they loaded again.
 */
export function decideLoad(
  chunk: LoadChunk,
  rows: number,
  held: { readonly newestRunId: string | undefined; readonly loaded: LoadedChunk | undefined },
): LoadDecision {
  if (held.newestRunId !== undefined && held.newestRunId > chunk.runId) return { kind: 'superseded' };
  const { loaded } = held;
  const standing = loaded ? standingOf(loaded, chunk) : 'older';
  if (standing === 'newer') return { kind: 'superseded' };
  return standing === 'own' && loaded?.rows === rows
    ? { kind: 'done', figures: loaded.figures }
    : { kind: 'load' };
}

export function superseded(load: { readonly loadId: string; readonly runId: string }): Failure {
  return new Failure({
    code: 'load-superseded',
    disposition: 'give-up',
    message: `a newer run or worker than ${load.runId} has loaded ${load.loadId}; its rows stay`,
  });
}

/** A load is finished where every chunk of the run is in the target. */
export function incomplete(load: { loadId: string; runId: string; of: number }, found: number): Failure {
  return new Failure({
    code: 'load-incomplete',
    disposition: 'give-up',
    message: `the target holds ${found} of the ${load.of} chunks of run ${load.runId}; load the missing ones before finishing`,
  });
}

export const rowsOf = (parts: readonly StagedPart[]): number =>
  parts.reduce((sum, { rows }) => sum + rows, 0);

/** Of all parts together, hexadecimal. */
export const digestOf = (parts: readonly StagedPart[]): string =>
  createHash('sha256')
    .update(parts.map(({ digest }) => digest).join('\n'))
    .digest('hex');

/** What was read must be what was staged. */
export function rowsDiffer(read: number, staged: number): Failure {
  return new Failure({
    code: 'staged-rows-differ',
    disposition: 'retry',
    message: `${read} rows were read of ${staged} that were staged; nothing was loaded`,
  });
}
