import type { RecordReading } from '../records/reading.ts';
import type { SourceSlice } from '../run/manifest.ts';
import type { Window } from '../run/window.ts';

export interface SliceRequest {
  readonly chunkId: string;
  readonly slice: SourceSlice;
  /** As a batch of an earlier, broken-off reading gave it: what came with that batch or before is left out. */
  readonly checkpoint?: string | undefined;
  /** Ends the reading with its reason. */
  readonly signal: AbortSignal;
}

/** Readings in the source's order, never none. Ordinals go on over all batches and checkpoints of a slice. */
export interface SourceBatch {
  readonly readings: readonly RecordReading[];
  /**
   * Reading can go on after this batch; absent where it cannot. At most 2,000 characters, and no record's value:
   * the ledger keeps it.
   */
  readonly checkpoint?: string | undefined;
}

/**
 * Where records come from. Failures are typed and hold no value, no secret and no body of an answer; `retry-after`
 * where the source throttles. Every connection goes to a checked peer; every answer has a time and a size limit.
 */
export interface Source {
  /** For `add_metadata` and people: no credentials, no query. */
  readonly description: string;
  /**
   * Cuts what the source holds of a window into slices that can be read on their own, in a fixed order. Two slices
   * never hold the same record. Empty when there is nothing.
   */
  plan(window: Window, signal: AbortSignal): Promise<readonly SourceSlice[]>;
  /**
   * Reads a slice. Records outside its window are left out and not counted. A slice whose object is another
   * version or size than planned fails (`object-changed`).
   */
  read(request: SliceRequest): AsyncIterable<SourceBatch>;
  /** Ends connections that are kept open. */
  close(): Promise<void>;
}
