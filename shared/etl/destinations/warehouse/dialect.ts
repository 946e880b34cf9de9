import type { ColumnType } from '../../definition/column.ts';
import type { TableShape } from '../destination.ts';

/** Tables as they stand in a statement, quoted and qualified. */
export interface WarehouseTables {
  readonly target: string;
  /** What was loaded, one row per (load, chunk), written in the transaction of its rows. */
  readonly ledger: string;
  /** Which statements of `afterLoad` have been run for which run. */
  readonly steps: string;
}

/** Tables of one chunk's session or job. */
export interface ChunkTables extends WarehouseTables {
  /** The rows of the chunk as they were staged, with their numbers in `rowNumberColumn`. */
  readonly staged: string;
  /** One row per key, with what becomes of it in `changeColumn`. */
  readonly changes: string;
}

export const rowNumberColumn = '_etl_row';
export const changeColumn = '_etl_change';

/** How one warehouse writes what all of them can do. Statements are without a closing semicolon. */
export interface Dialect {
  /** @throws Failure `target-refuses-column` for a name the warehouse has no way to write */
  identifier(name: string): string;
  columnType(type: ColumnType): string;
  /** A column's value as something that `=` and `<>` take. */
  comparable(type: ColumnType, expression: string): string;
  /** A statement that fails, with `marker` in its message, unless the condition holds. */
  insist(condition: string, marker: Marker): string;
  /** Makes the table `changes` out of a query. */
  createChanges(tables: ChunkTables, shape: TableShape, query: string): readonly string[];
  /** Brings `changes` into the target: those of known keys take their rows' place. */
  apply(tables: ChunkTables, shape: TableShape): readonly string[];
  /** The moment of the statement. */
  readonly now: string;
}

/** What a failed `insist` is recognised by. */
export const markers = ['etl-ledger-moved', 'etl-staged-count-differs', 'etl-step-done'] as const;
export type Marker = (typeof markers)[number];

/** The marker in an error's text; the text itself may quote rows and goes nowhere. */
export const findMarker = (text: string): Marker | undefined =>
  markers.find((marker) => text.includes(marker));
