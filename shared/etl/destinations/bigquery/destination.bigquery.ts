import { z } from 'zod';
import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';
import type { PipelineDestination } from '../../definition/destination-schema.ts';
import type { Destination, LoadRequest } from '../destination.ts';
import { encodeNdjson } from '../files/ndjson-file.ts';
import { createWarehouseDestination } from '../warehouse/destination.ts';
import { type ChunkTables, rowNumberColumn } from '../warehouse/dialect.ts';
import { createHttpsExchange } from '../warehouse/exchange.https.ts';
import { selectLedger } from '../warehouse/ledger-sql.ts';
import { mergeStatements } from '../warehouse/load-sql.ts';
import { tokenOf } from '../warehouse/load-token.ts';
import { stagedColumns } from '../warehouse/merge-sql.ts';
import { readSigningKey } from '../warehouse/signed-jwt.ts';
import { bigqueryDialect } from './dialect.ts';
import { BigQueryJobs, type ServiceAccount } from './jobs.ts';

export type BigQueryDefinition = Extract<PipelineDestination, { readonly type: 'bigquery' }>;

const jobLimitMillis = 12 * 60_000;

/** What a service account's key file must say; the rest of it is not looked at. */
const keyFileSchema = z.object({
  client_email: z.email(),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
});

/**
 * A table in BigQuery. A chunk's parts are load jobs into a staging table of its own, sent as NDJSON, then one script
 * merges them by key in a transaction with their row of `_etl_loads`. Every job has an id made of (load, chunk, run,
 * fence), so that one sent twice is done once. `credentials` is the service account's key file.
 */
export function createBigQueryDestination({
  definition,
  peer,
  credentials,
  clock,
}: {
  readonly definition: BigQueryDefinition;
  readonly peer: TlsPeer;
  readonly credentials: unknown;
  readonly clock: Clock;
}): Destination {
  const { project, location, dataset } = definition;
  const account = readServiceAccount(credentials, `BigQuery project ${project}`);
  const exchange = createHttpsExchange(peer);
  const jobs = new BigQueryJobs({ exchange, project, location, account, clock, limitMillis: jobLimitMillis });
  const qualified = (table: string) => `\`${project}.${dataset}.${table}\``;
  const tables = {
    target: qualified(definition.table),
    ledger: qualified('_etl_loads'),
    steps: qualified('_etl_steps'),
  };
  return createWarehouseDestination(
    {
      name: `bigquery ${project}/${dataset}.${definition.table}`,
      dialect: bigqueryDialect,
      tables,
      run: (statements, signal) => jobs.query({ statements, signal }),
      // A transaction takes no DDL on lasting tables, which aggregations are often made of.
      runStep: async (statements, signal) => {
        await jobs.query({ statements, signal });
      },
      async merge(request) {
        const token = tokenOf('bigquery', request.chunk);
        const stagingTable = `_etl_staged_${token.slice(0, 32)}`;
        const chunkTables = { ...tables, staged: qualified(stagingTable), changes: 'etl_changes' };
        await jobs.query({ statements: [createStaging(chunkTables, request)], signal: request.signal });
        const destinationTable = { projectId: project, datasetId: dataset, tableId: stagingTable };
        await loadParts(jobs, request, { token, destinationTable });
        return jobs.query({
          statements: mergeScript(chunkTables, request),
          jobId: `certfleet_merge_${token}`,
          signal: request.signal,
        });
      },
      // Staging tables are dropped by their own scripts, or expire.
      eraseStaged: () => Promise.resolve(),
      close: async () => exchange.close(),
    },
    definition.afterLoad,
  );
}

const createStaging = ({ staged }: ChunkTables, { shape }: LoadRequest): string =>
  `CREATE TABLE IF NOT EXISTS ${staged} (${stagedColumns(bigqueryDialect, shape).join(', ')}) ` +
  'OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY))';

/** cloud.google.com/bigquery/docs/transactions: temporary tables may be made within, lasting ones not dropped. */
const mergeScript = (tables: ChunkTables, request: LoadRequest): readonly string[] => [
  'BEGIN TRANSACTION',
  ...mergeStatements(bigqueryDialect, tables, request),
  'COMMIT TRANSACTION',
  `DROP TABLE IF EXISTS ${tables.staged}`,
  selectLedger(tables, request.chunk),
];

async function loadParts(
  jobs: BigQueryJobs,
  { parts, shape, signal }: LoadRequest,
  { token, destinationTable }: { token: string; destinationTable: object },
): Promise<void> {
  const load = {
    destinationTable,
    sourceFormat: 'NEWLINE_DELIMITED_JSON',
    createDisposition: 'CREATE_NEVER',
    writeDisposition: 'WRITE_APPEND',
    maxBadRecords: 0,
    ignoreUnknownValues: false,
  };
  let from = 0;
  for (const part of parts) {
    if (part.rows === 0) continue;
    const rowNumbers = { name: rowNumberColumn, from };
    const body = await encodeNdjson(part, shape, { signal, nulls: 'left-out', rowNumbers });
    await jobs.load({ jobId: `certfleet_load_${token}_${part.index}`, load, body, signal });
    from += part.rows;
  }
}

function readServiceAccount(credentials: unknown, target: string): ServiceAccount {
  const read = keyFileSchema.safeParse(credentials);
  if (read.success) {
    const { client_email: email, private_key: pem, private_key_id: keyId } = read.data;
    return { email, keyId, key: readSigningKey(pem, target) };
  }
  throw new Failure({
    code: 'target-key-unusable',
    disposition: 'give-up',
    message: `the secret for ${target} is no service account's key file; it needs client_email and private_key`,
  });
}
