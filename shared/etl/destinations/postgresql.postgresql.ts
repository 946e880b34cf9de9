import type { Clock } from '../../runtime/clock.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import type { PipelineDestination } from '../definition/destination-schema.ts';
import { connectPostgres, type PostgresConnection } from '../postgresql/connection.postgresql.ts';
import { copyLines } from '../postgresql/copy-text.ts';
import {
  announceRun,
  type LoadLedger,
  lockChunk,
  recordChunk,
  settleLoad,
} from '../postgresql/load-ledger.postgresql.ts';
import { copySql, createStagingSql, mergeSql } from '../postgresql/merge-sql.ts';
import { prepareTarget, stepsTable } from '../postgresql/target.postgresql.ts';
import type { Destination, FinishedLoad, LoadFigures, LoadRequest } from './destination.ts';
import { decideLoad, digestOf, rowsDiffer, rowsOf, superseded } from './load-precedence.ts';

export interface PostgresDestinationOptions {
  readonly definition: Extract<PipelineDestination, { type: 'postgresql' }>;
  readonly peer: TlsPeer;
  readonly password?: string | undefined;
  readonly clock: Clock;
  readonly statementTimeoutMillis?: number | undefined;
}

/**
 * A table that rows are merged into by their key. A chunk is one transaction: rows by COPY into a temporary table,
 * their number checked, one merge, and the row of `_etl_loads` that says so, which is trusted over any ledger
 * elsewhere. Of several rows of a chunk with one key the newest counts (`newestBy`, else the last); the others are
 * `unchanged`. Rows of an earlier run of the load that the newer one does not have any more stay: a table merged by
 * key cannot tell whose they are.
 */
export function createPostgresDestination(options: PostgresDestinationOptions): Destination {
  const { host, port, database, schema, table } = options.definition;
  return {
    name: `postgresql ${host}:${port}/${database} ${schema}.${table}`,
    load: (request) => connected(options, request.signal, (ledger) => load(options, ledger, request)),
    finish: (finished) =>
      connected(options, finished.signal, async (ledger) => {
        // A run without a single chunk finishes all the same.
        await prepareTarget(ledger.connection, options.definition, finished.shape);
        await announceRun(ledger, finished, options.clock.now());
        await ledger.connection.transaction(() => settleLoad(ledger, finished));
        for (const step of options.definition.afterLoad ?? []) {
          await runStep(options, ledger.connection, { finished, step });
        }
      }),
    close: async () => undefined,
  };
}

/** A connection for each call: a worker that is frozen between two calls holds none. */
async function connected<T>(
  options: PostgresDestinationOptions,
  signal: AbortSignal,
  work: (ledger: LoadLedger) => Promise<T>,
): Promise<T> {
  const { database, user, schema } = options.definition;
  const connection = await connectPostgres({
    peer: options.peer,
    database,
    user,
    password: options.password,
    applicationName: 'certfleet load',
    statementTimeoutMillis: options.statementTimeoutMillis ?? 300_000,
    signal,
  });
  try {
    return await work({ connection, schema });
  } finally {
    await connection.close();
  }
}

async function load(
  { definition, clock }: PostgresDestinationOptions,
  ledger: LoadLedger,
  request: LoadRequest,
): Promise<LoadFigures> {
  const { chunk, shape, parts } = request;
  const rows = rowsOf(parts);
  await prepareTarget(ledger.connection, definition, shape);
  await announceRun(ledger, chunk, clock.now());
  return ledger.connection.transaction(async () => {
    const decision = decideLoad(chunk, rows, await lockChunk(ledger, chunk));
    if (decision.kind === 'superseded') throw superseded(chunk);
    if (decision.kind === 'done') return decision.figures;
    const figures = await mergeRows(ledger.connection, definition, request);
    await recordChunk(ledger, { chunk, rows, figures, digest: digestOf(parts), loadedAt: clock.now() });
    return figures;
  });
}

async function mergeRows(
  connection: PostgresConnection,
  table: PostgresDestinationOptions['definition'],
  { shape, parts }: LoadRequest,
): Promise<LoadFigures> {
  const staged = rowsOf(parts);
  const purpose = { during: 'loading rows', columns: shape.columns.map(({ name }) => name) };
  await connection.query(createStagingSql(shape), [], purpose);
  let read = 0;
  async function* lines() {
    for (const part of parts) {
      for await (const rows of part.read()) {
        yield* copyLines(rows, shape.columns, read);
        read += rows.length;
      }
    }
  }
  const copied = await connection.copyIn(copySql(shape), lines(), purpose);
  if (copied !== staged || read !== staged) throw rowsDiffer(copied, staged);
  const [merged] = await connection.query(mergeSql(table, shape), [], purpose);
  const [inserted, updated] = [Number(merged?.[0]), Number(merged?.[1])];
  return { inserted, updated, unchanged: staged - inserted - updated };
}

interface Step {
  readonly finished: FinishedLoad;
  readonly step: { readonly name: string; readonly sql: string };
}

/** Once for each run: what marks it as done is written in its own transaction. */
async function runStep(
  { definition, clock }: PostgresDestinationOptions,
  connection: PostgresConnection,
  { finished, step }: Step,
): Promise<void> {
  const during = `running afterLoad ${step.name}`;
  await connection.transaction(async () => {
    const marked = await connection.query(
      `INSERT INTO ${stepsTable(definition.schema)} VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (load_id, run_id, name) DO NOTHING RETURNING 1`,
      [finished.pipeline, finished.loadId, finished.runId, step.name, clock.now().toISOString()],
      { during },
    );
    if (marked.length > 0) await connection.runScript(step.sql, { during });
  });
}
