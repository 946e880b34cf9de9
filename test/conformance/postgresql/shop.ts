import { createPostgresDestination } from '../../../shared/etl/destinations/postgresql.postgresql.ts';
import {
  connectPostgres,
  type PostgresConnection,
} from '../../../shared/etl/postgresql/connection.postgresql.ts';
import type { Row } from '../../../shared/etl/record.ts';
import { createPostgresSource } from '../../../shared/etl/sources/postgresql.postgresql.ts';
import type { SourceBatch } from '../../../shared/etl/sources/source.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { databaseHost, type PostgresServer } from '../../support/postgresql-server.ts';

export const never = new AbortController().signal;
export const clock = createFakeClock(new Date('2026-02-01T00:00:00Z'));

export const connectTo = (
  server: PostgresServer,
  given: Partial<Parameters<typeof connectPostgres>[0]> = {},
) =>
  connectPostgres({
    peer: server.peer,
    database: 'shop',
    user: server.user,
    applicationName: 'test',
    statementTimeoutMillis: 10_000,
    signal: never,
    ...given,
  });

/** Runs statements one after the other and answers the rows of the last. */
export async function runSql(server: PostgresServer, ...statements: readonly string[]) {
  const connection = await connectTo(server);
  let rows: Awaited<ReturnType<PostgresConnection['query']>> = [];
  try {
    for (const sql of statements) rows = await connection.query(sql, [], { during: 'setting up' });
  } finally {
    await connection.close();
  }
  return rows;
}

const end = (server: PostgresServer, table: string) => ({
  ...{ type: 'postgresql' as const, host: databaseHost, port: server.port, database: 'shop' },
  ...{ user: server.user, schema: 'public', table },
});

type DestinationGiven = Partial<Parameters<typeof createPostgresDestination>[0]['definition']>;

export const destinationOf = (server: PostgresServer, table: string, given: DestinationGiven = {}) =>
  createPostgresDestination({ definition: { ...end(server, table), ...given }, peer: server.peer, clock });

interface SourceGiven {
  readonly watermark?: { readonly column: string; readonly overlapSeconds: number } | undefined;
  readonly columns?: readonly string[];
  readonly rowsPerSlice?: number;
  /** In place of the client certificate. */
  readonly login?: PostgresServer['passwordUser'];
}

export const sourceOf = (server: PostgresServer, table: string, given: SourceGiven = {}) =>
  createPostgresSource({
    definition: {
      ...end(server, table),
      ...(given.watermark && { watermark: given.watermark }),
      ...(given.login && { user: given.login.user }),
    },
    columns: given.columns ?? [],
    peer: given.login ? { ...server.peer, client: undefined } : server.peer,
    password: given.login?.password,
    rowsPerSlice: given.rowsPerSlice,
  });

export async function readAll(batches: AsyncIterable<SourceBatch>): Promise<SourceBatch[]> {
  const all: SourceBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

export const rowsOf = (batches: readonly SourceBatch[]): Row[] =>
  batches.flatMap(({ readings }) =>
    readings.flatMap((reading) => (reading.kind === 'record' ? [reading.record.row] : [])),
  );

/** The whole table, by the source's own reading. */
export async function readTable(server: PostgresServer, table: string): Promise<Row[]> {
  const slice = { kind: 'range', from: 'start' } as const;
  return rowsOf(await readAll(sourceOf(server, table).read({ chunkId: '00000-a', slice, signal: never })));
}
