import { createHash } from 'node:crypto';
import type { FinishedLoad, LoadChunk, LoadFigures } from '../destinations/destination.ts';
import { incomplete, type LoadedChunk, superseded } from '../destinations/load-precedence.ts';
import type { PostgresConnection } from './connection.postgresql.ts';
import { loadsTable } from './target.postgresql.ts';

/**
 * The table `_etl_loads`: one row for each chunk a load has put into the target, written in the transaction that
 * merges its rows; and one without a chunk that names the newest run of the load.
 */
export interface LoadLedger {
  readonly connection: PostgresConnection;
  readonly schema: string;
}

const wholeLoad = '';
const purpose = { during: 'keeping account of the load' };

/**
 * Makes a run the newest of its load before it loads anything. Transactions of older runs hold the row until they
 * end, so that none of them can commit over rows of this run.
 */
export async function announceRun(
  { connection, schema }: LoadLedger,
  run: Pick<LoadChunk, 'pipeline' | 'loadId' | 'runId'>,
  now: Date,
): Promise<void> {
  const known = await connection.query(
    `SELECT 1 FROM ${loadsTable(schema)} WHERE load_id = $1 AND chunk_id = $2 AND run_id >= $3`,
    [run.loadId, wholeLoad, run.runId],
    purpose,
  );
  if (known.length > 0) return;
  await connection.query(
    `INSERT INTO ${loadsTable(schema)} AS known VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0, '', $5)
      ON CONFLICT (load_id, chunk_id) DO UPDATE SET run_id = EXCLUDED.run_id, loaded_at = EXCLUDED.loaded_at
      WHERE known.run_id < EXCLUDED.run_id`,
    [run.pipeline, run.loadId, wholeLoad, run.runId, now.toISOString()],
    purpose,
  );
}

/** Reads what is held, and keeps it so until the transaction ends: others that load this chunk wait. */
export async function lockChunk({ connection, schema }: LoadLedger, chunk: LoadChunk) {
  const { loadId, chunkId } = chunk;
  await connection.query('SELECT pg_advisory_xact_lock($1)', [lockOf(loadId, chunkId)], purpose);
  const newest = await connection.query(
    `SELECT run_id FROM ${loadsTable(schema)} WHERE load_id = $1 AND chunk_id = $2 FOR SHARE`,
    [loadId, wholeLoad],
    purpose,
  );
  const loaded = await connection.query(
    `SELECT run_id, fence, rows, inserted, updated, unchanged FROM ${loadsTable(schema)}
      WHERE load_id = $1 AND chunk_id = $2`,
    [loadId, chunkId],
    purpose,
  );
  return { newestRunId: newest[0]?.[0] ?? undefined, loaded: loaded.map(readChunk)[0] };
}

function readChunk([runId, ...numbers]: readonly (string | null)[]): LoadedChunk {
  const [fence = 0, rows = 0, inserted = 0, updated = 0, unchanged = 0] = numbers.map(Number);
  return { runId: runId ?? '', fence, rows, figures: { inserted, updated, unchanged } };
}

export interface LoadEntry {
  readonly chunk: LoadChunk;
  readonly rows: number;
  readonly figures: LoadFigures;
  readonly digest: string;
  readonly loadedAt: Date;
}

export async function recordChunk({ connection, schema }: LoadLedger, entry: LoadEntry): Promise<void> {
  const { pipeline, loadId, chunkId, runId, fence } = entry.chunk;
  const { inserted, updated, unchanged } = entry.figures;
  await connection.query(
    `INSERT INTO ${loadsTable(schema)} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      ON CONFLICT (load_id, chunk_id) DO UPDATE SET run_id = EXCLUDED.run_id, fence = EXCLUDED.fence,
        rows = EXCLUDED.rows, inserted = EXCLUDED.inserted, updated = EXCLUDED.updated,
        unchanged = EXCLUDED.unchanged, digest = EXCLUDED.digest, loaded_at = EXCLUDED.loaded_at`,
    [
      ...[pipeline, loadId, chunkId, runId, fence],
      ...[entry.rows, inserted, updated, unchanged, entry.digest, entry.loadedAt.toISOString()],
    ],
    purpose,
  );
}

/**
 * Forgets the chunks that only earlier runs of the load had.
 * @throws Failure `load-superseded`, `load-incomplete`
 */
export async function settleLoad({ connection, schema }: LoadLedger, load: FinishedLoad): Promise<void> {
  const [row] = await connection.query(
    `SELECT count(*) FILTER (WHERE chunk_id = ANY ($3) AND run_id = $2), count(*) FILTER (WHERE run_id > $2)
      FROM ${loadsTable(schema)} WHERE load_id = $1`,
    [load.loadId, load.runId, load.chunkIds],
    purpose,
  );
  const [found, newer] = [Number(row?.[0]), Number(row?.[1])];
  if (newer > 0) throw superseded(load);
  if (found !== load.of) throw incomplete(load, found);
  await connection.query(
    `DELETE FROM ${loadsTable(schema)} WHERE load_id = $1 AND chunk_id <> ALL ($2) AND run_id <= $3`,
    [load.loadId, [wholeLoad, ...load.chunkIds], load.runId],
    purpose,
  );
}

/** 64 bits, as advisory locks are named. */
const lockOf = (loadId: string, chunkId: string): string =>
  createHash('sha256').update(`${loadId}/${chunkId}`).digest().readBigInt64BE(0).toString();
