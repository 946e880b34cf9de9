import type { RecordedConnection } from '../../audit/run-record.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Chunk, StageResult } from '../ledger/chunk.ts';
import { type Stage, stages } from '../ledger/run.ts';

/** What a stage before has put on record. @throws Failure `stage-unrecorded` */
export function resultOf(
  chunk: Chunk,
  stage: Stage,
): StageResult & { readonly outKey: string; readonly outDigest: string } {
  const result = chunk.results[stage];
  const { outKey, outDigest } = result ?? {};
  if (result && outKey !== undefined && outDigest !== undefined) return { ...result, outKey, outDigest };
  throw new Failure({
    code: 'stage-unrecorded',
    disposition: 'bug',
    message: `chunk ${chunk.chunkId} of run ${chunk.runId} stands at ${chunk.stage} without what ${stage} wrote`,
  });
}

/** Every TLS connection that the stages of some chunks have made. */
export const connectionsOf = (chunks: readonly Chunk[]): readonly RecordedConnection[] =>
  chunks.flatMap(({ results }) => stages.flatMap((stage) => results[stage]?.connections ?? []));
