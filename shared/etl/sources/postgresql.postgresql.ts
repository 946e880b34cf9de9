import { secondsAfter } from '../../runtime/clock.ts';
import type { TlsPeer } from '../connections/tls-peer.ts';
import type { PipelineSource } from '../definition/source-schema.ts';
import { connectPostgres, type PostgresConnection } from '../postgresql/connection.postgresql.ts';
import { readSlice } from '../postgresql/read-slice.postgresql.ts';
import { planSlices } from '../postgresql/slices.postgresql.ts';
import { findSourceTable } from '../postgresql/source-table.postgresql.ts';
import type { Source } from './source.ts';

export interface PostgresSourceOptions {
  readonly definition: Extract<PipelineSource, { type: 'postgresql' }>;
  /** Names of the contract's columns: they must be readable, others are read where they may be. */
  readonly columns: readonly string[];
  readonly peer: TlsPeer;
  readonly password?: string | undefined;
  readonly rowsPerSlice?: number | undefined;
  readonly statementTimeoutMillis?: number | undefined;
}

/**
 * A table or view, read by a cursor inside a read-only transaction that sees one state of it. With a watermark only
 * rows of the window are read, `overlapSeconds` earlier ones with them; without one the whole table is one slice
 * that cannot be broken off. A `timestamp` without a zone is taken to be UTC.
 */
export function createPostgresSource(options: PostgresSourceOptions): Source {
  const { host, port, database, schema, table, watermark } = options.definition;
  return {
    description: `postgresql ${host}:${port}/${database} ${schema}.${table}`,
    plan: async (window, signal) => {
      const connection = await connect(options, signal);
      try {
        const from = secondsAfter(window.from, -(watermark?.overlapSeconds ?? 0)).toISOString();
        const limits = { from, to: window.to.toISOString(), rowsPerSlice: options.rowsPerSlice ?? 50_000 };
        return await planSlices(connection, await find(options, connection), limits);
      } finally {
        await connection.close();
      }
    },
    read: async function* (request) {
      const connection = await connect(options, request.signal);
      try {
        const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
        await connection.query(begin, [], { during: 'opening a transaction' });
        yield* readSlice(connection, await find(options, connection), request);
      } finally {
        await connection.close();
      }
    },
    close: async () => undefined,
  };
}

const find = ({ definition, columns }: PostgresSourceOptions, connection: PostgresConnection) =>
  findSourceTable(connection, definition, { columns, watermark: definition.watermark?.column });

const connect = (
  { definition, peer, password, statementTimeoutMillis = 300_000 }: PostgresSourceOptions,
  signal: AbortSignal,
): Promise<PostgresConnection> =>
  connectPostgres({
    peer,
    database: definition.database,
    user: definition.user,
    password,
    applicationName: 'certfleet extract',
    statementTimeoutMillis,
    signal,
  });
