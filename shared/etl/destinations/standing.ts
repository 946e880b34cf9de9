/** Who wrote, or is about to write, a piece of a load. */
export interface LoadWriter {
  /** UUIDv7: greater for later runs. */
  readonly runId: string;
  readonly fence: number;
}

/**
 * What a target holds already, seen by a writer:
 * - `own`: of its own run, under its own fence or an older one;
 * - `older`: of an earlier run, to be replaced;
 * - `newer`: of a later run, or of a worker that has taken the chunk since; to be left alone.
 */
export type Standing = 'own' | 'older' | 'newer';

export function standingOf(stored: LoadWriter, writer: LoadWriter): Standing {
  if (stored.runId !== writer.runId) return stored.runId > writer.runId ? 'newer' : 'older';
  return stored.fence > writer.fence ? 'newer' : 'own';
}
