import type { Clock } from '../../../runtime/clock.ts';
import { Failure } from '../../../runtime/errors.ts';
import type { TlsPeer } from '../../connections/tls-peer.ts';
import type { PipelineDestination } from '../../definition/destination-schema.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { Destination, TableShape } from '../destination.ts';
import { createWarehouseDestination } from '../warehouse/destination.ts';
import { type ChunkTables, changeColumn, rowNumberColumn } from '../warehouse/dialect.ts';
import { createHttpsExchange } from '../warehouse/exchange.https.ts';
import { selectLedger } from '../warehouse/ledger-sql.ts';
import { doubleQuoted, singleQuoted } from '../warehouse/literals.ts';
import { mergeStatements } from '../warehouse/load-sql.ts';
import { tokenOf, uuidOf } from '../warehouse/load-token.ts';
import { columnDefinitions, stagedColumns } from '../warehouse/merge-sql.ts';
import { readSigningKey } from '../warehouse/signed-jwt.ts';
import {
  eraseFiles,
  type StagedFile,
  stagedChunkPrefix,
  stagedLoadPrefix,
  stageFiles,
} from '../warehouse/staged-files.ts';
import { snowflakeDialect } from './dialect.ts';
import { SnowflakeStatements } from './statements.ts';

export type SnowflakeDefinition = Extract<PipelineDestination, { readonly type: 'snowflake' }>;

const statementLimitMillis = 12 * 60_000;
/** COPY INTO takes no more names: docs.snowflake.com/en/sql-reference/sql/copy-into-table. */
const mostFiles = 1_000;

/**
 * A table in Snowflake. A chunk is staged as NDJSON in `objects` (the bucket `definition.staging.bucket`, whose prefix
 * the external stage stands over), copied into a temporary table, and merged by key in one transaction with its row
 * of `_etl_loads`.
 */
export function createSnowflakeDestination({
  definition,
  peer,
  privateKeyPem,
  objects,
  clock,
}: {
  readonly definition: SnowflakeDefinition;
  readonly peer: TlsPeer;
  readonly privateKeyPem: string;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}): Destination {
  const exchange = createHttpsExchange(peer);
  const key = readSigningKey(privateKeyPem, `Snowflake account ${definition.account}`);
  const options = { exchange, place: definition, key, clock, limitMillis: statementLimitMillis };
  const statements = new SnowflakeStatements(options);
  const qualified = (name: string) =>
    [definition.database, definition.schema, name].map(doubleQuoted).join('.');
  const tables: ChunkTables = {
    target: qualified(definition.table),
    ledger: qualified('_etl_loads'),
    steps: qualified('_etl_steps'),
    staged: 'etl_staged',
    changes: 'etl_changes',
  };
  const { prefix } = definition.staging;
  return createWarehouseDestination(
    {
      name: `snowflake ${definition.account}/${definition.database}.${definition.schema}.${definition.table}`,
      dialect: snowflakeDialect,
      tables,
      run: (sqls, signal) => statements.run({ statements: sqls, signal }),
      runStep: async (sqls, signal) => {
        await statements.run({ statements: ['BEGIN', ...sqls, 'COMMIT'], signal });
      },
      async merge(request) {
        const files = await stageFiles(objects, prefix, request);
        const rows = await statements.run({
          statements: [
            ...createTemporaryTables(tables, request.shape),
            ...copyStatements(tables.staged, {
              stage: qualified(definition.stage),
              shape: request.shape,
              paths: relativePaths(files, prefix),
            }),
            'BEGIN',
            ...mergeStatements(snowflakeDialect, tables, request),
            'COMMIT',
            selectLedger(tables, request.chunk),
          ],
          requestId: uuidOf(tokenOf('snowflake', request.chunk)),
          signal: request.signal,
        });
        await eraseFiles(objects, stagedChunkPrefix(prefix, request.chunk), request.signal);
        return rows;
      },
      eraseStaged: ({ loadId, signal }) => eraseFiles(objects, stagedLoadPrefix(prefix, loadId), signal),
      close: async () => exchange.close(),
    },
    definition.afterLoad,
  );
}

const createTemporaryTables = ({ staged, changes }: ChunkTables, shape: TableShape): readonly string[] => [
  `CREATE TEMPORARY TABLE ${staged} (${stagedColumns(snowflakeDialect, shape).join(', ')})`,
  `CREATE TEMPORARY TABLE ${changes} (${columnDefinitions(snowflakeDialect, shape).join(', ')}, ` +
    `${changeColumn} VARCHAR NOT NULL)`,
];

/** As the stage sees them, which stands over the prefix. */
function relativePaths(files: readonly StagedFile[], prefix: string): readonly string[] {
  if (files.length <= mostFiles) return files.map(({ key }) => key.slice(prefix.length));
  throw new Failure({
    code: 'too-many-staged-files',
    disposition: 'give-up',
    message: `a chunk has ${files.length} files, and COPY INTO takes ${mostFiles}; cut the source finer`,
  });
}

/** Members by name, each cast to its column's type; a member that is missing is NULL. */
function copyStatements(
  staged: string,
  { stage, shape, paths }: { stage: string; shape: TableShape; paths: readonly string[] },
): readonly string[] {
  if (paths.length === 0) return [];
  const columns = shape.columns.map(({ name, type }) => ({
    name: doubleQuoted(name),
    value: `$1:${doubleQuoted(name)}::${snowflakeDialect.columnType(type)}`,
  }));
  const names = [...columns.map(({ name }) => name), rowNumberColumn].join(', ');
  const values = [...columns.map(({ value }) => value), `$1:"${rowNumberColumn}"::NUMBER(38,0)`].join(', ');
  return [
    `COPY INTO ${staged} (${names}) FROM (SELECT ${values} FROM @${stage}) ` +
      `FILES = (${paths.map(singleQuoted).join(', ')}) FILE_FORMAT = (TYPE = JSON) ON_ERROR = ABORT_STATEMENT`,
  ];
}
