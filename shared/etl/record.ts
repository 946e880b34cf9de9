/** A JSON value as pipelines carry it; integers that a double cannot hold are kept as their digits. */
export type Cell = null | boolean | number | string | readonly Cell[] | { readonly [name: string]: Cell };

/** One row: own properties of a null-prototype object, so that no column name means anything to the language. */
export type Row = Readonly<Record<string, Cell>>;

/** Where a record stood in its source, for people who must find it again; never a value. */
export interface RecordPosition {
  /** The slice of the source: an object's version, a page, a window of a table. */
  readonly chunkId: string;
  /** 1-based line or element number within the chunk. */
  readonly ordinal: number;
}

export interface SourceRecord {
  readonly position: RecordPosition;
  readonly row: Row;
}

/** Why a record was set aside. Made of names and numbers alone: a reason that quotes a value would leak it. */
export interface QuarantineReason {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly stage: 'parse' | 'contract' | 'filter' | 'transform';
  /** The column, as a JSON pointer into the record; absent where the record as a whole is meant. */
  readonly path?: string | undefined;
  readonly message: string;
}

export interface QuarantinedRecord {
  readonly position: RecordPosition;
  readonly reasons: readonly QuarantineReason[];
  /** The record as it was read, to be encrypted before it is stored anywhere; absent where it was unreadable. */
  readonly row?: Row | undefined;
}
