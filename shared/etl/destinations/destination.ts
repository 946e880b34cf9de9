import type { ColumnType } from '../definition/column.ts';
import type { Row } from '../record.ts';
import type { Protection } from '../transforms/column-flow.ts';

/** A column as the destination holds it. */
export interface TableColumn {
  readonly name: string;
  /** Of the cell that is written: text once hashed, masked or encrypted. */
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly protection: Protection;
  /** True for what add_metadata adds: differs with every run, so it does not make a row another one. */
  readonly metadata: boolean;
}

export interface TableShape {
  readonly columns: readonly TableColumn[];
  /** Columns that together name a record. */
  readonly key: readonly string[];
  /** A timestamp of the records: where rows are merged, an older one never takes the place of a newer one. */
  readonly newestBy?: string | undefined;
}

/** One chunk of a load, as the target knows it. */
export interface LoadChunk {
  readonly pipeline: string;
  /** Hexadecimal; the same for every run about the same scope. */
  readonly loadId: string;
  /** UUIDv7: greater for later runs. */
  readonly runId: string;
  readonly chunkId: string;
  /** 0-based place among the `of` chunks of the run. */
  readonly ordinal: number;
  readonly of: number;
  /** Grows by one with each worker that takes the chunk. */
  readonly fence: number;
}

/** A part of a chunk, which fits into memory: at most 64 MiB of NDJSON and 100,000 rows. */
export interface StagedPart {
  /** 0-based. */
  readonly index: number;
  readonly rows: number;
  /** SHA-256 of the rows as NDJSON, hexadecimal; a repetition of the transform may give another one. */
  readonly digest: string;
  /** Batches of rows with exactly the shape's columns, in order. */
  read(): AsyncIterable<readonly Row[]>;
}

/** As told by the target; their sum is what was staged. */
export interface LoadFigures {
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
}

export interface LoadRequest {
  readonly chunk: LoadChunk;
  readonly shape: TableShape;
  readonly parts: readonly StagedPart[];
  readonly signal: AbortSignal;
}

/** A load all of whose chunks are in the target. */
export interface FinishedLoad {
  readonly pipeline: string;
  readonly loadId: string;
  readonly runId: string;
  readonly of: number;
  readonly chunkIds: readonly string[];
  readonly shape: TableShape;
  readonly signal: AbortSignal;
}

/**
 * Where rows go. Failures are typed and hold no value; those of rows that the target refuses name the column at most.
 */
export interface Destination {
  /** For people and for the load id: type, place and table; no credentials. */
  readonly name: string;
  /**
   * Puts a chunk into the target so that its rows count once, however often it is called: the target itself keeps
   * (`loadId`, `chunkId`) with the rows, in one commit. Repeated under the same run it changes nothing and answers
   * the same figures; under a newer (`runId`, `fence`) it replaces; under an older one it fails with
   * `load-superseded` (give-up).
   */
  load(request: LoadRequest): Promise<LoadFigures>;
  /**
   * Once every chunk is loaded: takes away what earlier runs of the load left, and runs the aggregations. May be
   * repeated.
   */
  finish(load: FinishedLoad): Promise<void>;
  /**
   * Erases the loads whose last write was before an instant, in all their versions, and answers how many versions
   * that were. Absent where nothing can tell when a row was loaded.
   */
  expire?(before: Date, signal: AbortSignal): Promise<number>;
  /** Ends connections that are kept open. */
  close(): Promise<void>;
}
