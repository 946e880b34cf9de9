import { toldFailure } from '../../runtime/told-failure.ts';
import type { CarryPorts } from '../ledger/carry-chunk.ts';

interface Log {
  warn(message: string, facts: Record<string, unknown>): void;
  error(message: string, facts: Record<string, unknown>): void;
}

/** Tells the log why a chunk failed, in words that quote no data: a warning where it is tried again. */
export function tellFailedChunk(log: Log): NonNullable<CarryPorts['onFailure']> {
  return ({ pipeline, runId, chunkId, stage }, { failure, again }) => {
    const { code, message: problem } = toldFailure(failure);
    const facts = { pipeline, runId, chunkId, stage, code, problem };
    if (again) log.warn('chunk failed', { ...facts, again });
    else log.error('chunk failed, and its run with it', facts);
  };
}
