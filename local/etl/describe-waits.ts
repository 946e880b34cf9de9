import type { Chunk } from '../../shared/etl/ledger/chunk.ts';
import type { Run, Stage } from '../../shared/etl/ledger/run.ts';

interface Wait {
  readonly stage: Stage;
  readonly code: string;
  readonly chunkId: string;
  readonly until: Date;
}

/** What chunks wait for after failures, one line for each stage and reason; the chunk that goes on first is named. */
export function describeWaits(chunks: readonly Chunk[], now: Date): readonly string[] {
  const groups = Map.groupBy(chunks.flatMap(waitOf(now)), ({ stage, code }) => `${stage}: ${code}`);
  return [...groups].map(([what, waits]) => {
    const [first, ...others] = waits.toSorted((one, other) => one.until.getTime() - other.until.getTime());
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    return `${what} in chunk ${first?.chunkId}${more}, again at ${clockTime(first?.until ?? now)}`;
  });
}

/** What a run waits for that could not be started or reported. */
export const describeStruggle = ({ state, strugglingSince, nextActionAt }: Run): readonly string[] =>
  strugglingSince && nextActionAt ? [`${state}: tried again at ${clockTime(nextActionAt)}`] : [];

const waitOf =
  (now: Date) =>
  ({ phase, stage, failure, chunkId, restsUntil }: Chunk): readonly Wait[] =>
    phase === 'pending' && failure && restsUntil && restsUntil > now
      ? [{ stage, code: failure.code, chunkId, until: restsUntil }]
      : [];

/** `09:39:30 UTC`. */
const clockTime = (instant: Date): string => `${instant.toISOString().slice(11, 19)} UTC`;
