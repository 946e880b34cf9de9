import type { FinishedLoad, LoadChunk } from '../destination.ts';
import type { LoadedChunk } from '../load-precedence.ts';
import type { Dialect, WarehouseTables } from './dialect.ts';
import { literal } from './literals.ts';

/** A row of results, each cell as text. */
export type SqlRow = readonly (string | null)[];

export function createLedgerTables(dialect: Dialect, { ledger, steps }: WarehouseTables): readonly string[] {
  const [text, number, instant] = [
    dialect.columnType('string'),
    dialect.columnType('integer'),
    dialect.columnType('timestamp'),
  ];
  return [
    `CREATE TABLE IF NOT EXISTS ${ledger} (pipeline ${text} NOT NULL, load_id ${text} NOT NULL, ` +
      `chunk_id ${text} NOT NULL, run_id ${text} NOT NULL, fence ${number} NOT NULL, row_count ${number} NOT NULL, ` +
      `inserted ${number} NOT NULL, updated ${number} NOT NULL, unchanged ${number} NOT NULL, ` +
      `loaded_at ${instant} NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS ${steps} (pipeline ${text} NOT NULL, load_id ${text} NOT NULL, ` +
      `run_id ${text} NOT NULL, name ${text} NOT NULL, done_at ${instant} NOT NULL)`,
  ];
}

const ofChunk = ({ loadId, chunkId }: LoadChunk): string =>
  `load_id = ${literal(loadId)} AND chunk_id = ${literal(chunkId)}`;

/** The chunk's row, or before it one of a newer run of the load. */
export const selectLedger = ({ ledger }: WarehouseTables, chunk: LoadChunk): string =>
  `SELECT run_id, fence, row_count, inserted, updated, unchanged FROM ${ledger} WHERE ` +
  `load_id = ${literal(chunk.loadId)} AND (chunk_id = ${literal(chunk.chunkId)} OR ` +
  `run_id > ${literal(chunk.runId)}) ORDER BY run_id DESC LIMIT 1`;

/** Holds until a newer run has written anything of the load, or this one has loaded these rows. */
export const isNotLoaded = ({ ledger }: WarehouseTables, chunk: LoadChunk, rows: number): string =>
  `(SELECT COUNT(*) FROM ${ledger} WHERE load_id = ${literal(chunk.loadId)} AND (run_id > ` +
  `${literal(chunk.runId)} OR (chunk_id = ${literal(chunk.chunkId)} AND run_id = ${literal(chunk.runId)} ` +
  `AND (fence >= ${chunk.fence} OR row_count = ${rows})))) = 0`;

/** Takes the place of the chunk's row, with figures counted from `changes`; keys that came twice are unchanged. */
export function writeLedgerRow(
  dialect: Dialect,
  { ledger, changes }: WarehouseTables & { readonly changes: string },
  { chunk, rows }: { readonly chunk: LoadChunk; readonly rows: number },
): readonly string[] {
  const counted = (change: string) =>
    `COALESCE(SUM(CASE WHEN _etl_change = '${change}' THEN 1 ELSE 0 END), 0)`;
  const ids = [chunk.pipeline, chunk.loadId, chunk.chunkId, chunk.runId].map(literal).join(', ');
  return [
    `DELETE FROM ${ledger} WHERE ${ofChunk(chunk)}`,
    `INSERT INTO ${ledger} (pipeline, load_id, chunk_id, run_id, fence, row_count, inserted, updated, unchanged, ` +
      `loaded_at) SELECT ${ids}, ${chunk.fence}, ${rows}, ${counted('inserted')}, ${counted('updated')}, ` +
      `${rows} - ${counted('inserted')} - ${counted('updated')}, ${dialect.now} FROM ${changes}`,
  ];
}

/** What `selectLedger` found, for `decideLoad`; `undefined`: nothing. */
export function readLedger(rows: readonly SqlRow[]): LoadedChunk | undefined {
  const [row] = rows;
  if (!row) return undefined;
  const [runId, fence, count, inserted, updated, unchanged] = row;
  const figures = { inserted: Number(inserted), updated: Number(updated), unchanged: Number(unchanged) };
  return { runId: String(runId), fence: Number(fence), rows: Number(count), figures };
}

/** In place of a chunk's id; no chunk is called so. */
const finishedMark = literal('finished');

/**
 * Takes away the rows of earlier runs and leaves one that says which run the load was finished by, so that a late
 * worker of an earlier one is known for that even where the run had nothing to load. May be repeated.
 */
export function writeFinishedRow(
  dialect: Dialect,
  { ledger }: WarehouseTables,
  { pipeline, loadId, runId }: FinishedLoad,
): readonly string[] {
  const [load, run] = [literal(loadId), literal(runId)];
  return [
    `DELETE FROM ${ledger} WHERE load_id = ${load} AND (run_id < ${run} OR (run_id = ${run} AND ` +
      `chunk_id = ${finishedMark}))`,
    `INSERT INTO ${ledger} (pipeline, load_id, chunk_id, run_id, fence, row_count, inserted, updated, unchanged, ` +
      `loaded_at) SELECT ${literal(pipeline)}, ${load}, ${finishedMark}, ${run}, 0, 0, 0, 0, 0, ${dialect.now}`,
  ];
}

/** How many chunks the run has loaded, and how many rows there are of newer ones. */
export const countChunks = ({ ledger }: WarehouseTables, load: FinishedLoad): string =>
  `SELECT COALESCE(SUM(CASE WHEN run_id = ${literal(load.runId)} AND chunk_id <> ${finishedMark} THEN 1 ELSE 0 END), 0), ` +
  `COALESCE(SUM(CASE WHEN run_id > ${literal(load.runId)} THEN 1 ELSE 0 END), 0) FROM ${ledger} ` +
  `WHERE load_id = ${literal(load.loadId)}`;
