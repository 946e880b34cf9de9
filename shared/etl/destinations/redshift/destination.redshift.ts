import type { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import type { Clock } from '../../../runtime/clock.ts';
import type { PipelineDestination } from '../../definition/destination-schema.ts';
import type { ObjectStore } from '../../objects/object-store.ts';
import type { Destination, LoadRequest } from '../destination.ts';
import { createWarehouseDestination } from '../warehouse/destination.ts';
import { type ChunkTables, rowNumberColumn } from '../warehouse/dialect.ts';
import { selectLedger } from '../warehouse/ledger-sql.ts';
import { doubleQuoted, singleQuoted } from '../warehouse/literals.ts';
import { mergeStatements } from '../warehouse/load-sql.ts';
import { tokenOf } from '../warehouse/load-token.ts';
import { stagedColumns } from '../warehouse/merge-sql.ts';
import {
  eraseFiles,
  putFile,
  type StagedFile,
  stagedChunkPrefix,
  stagedLoadPrefix,
  stageFiles,
} from '../warehouse/staged-files.ts';
import { redshiftDialect } from './dialect.ts';
import { RedshiftStatements } from './statements.redshift.ts';

export type RedshiftDefinition = Extract<PipelineDestination, { readonly type: 'redshift' }>;

/** Well within a function's fifteen minutes. */
const statementLimitMillis = 12 * 60_000;

/**
 * A table in Amazon Redshift. A chunk is staged as NDJSON in `objects` (the bucket `definition.staging.bucket`),
 * copied into a temporary table and merged by key, with its row of `_etl_loads`, in one BatchExecuteStatement, which
 * is one transaction. Loads that share a ledger take turns: the first statement locks it.
 */
export function createRedshiftDestination({
  definition,
  client,
  objects,
  clock,
}: {
  readonly definition: RedshiftDefinition;
  readonly client: Pick<RedshiftDataClient, 'send'>;
  readonly objects: ObjectStore;
  readonly clock: Clock;
}): Destination {
  const place = `${definition.workgroup ?? definition.cluster ?? ''}/${definition.database}`;
  const statements = new RedshiftStatements({
    client,
    place: definition,
    clock,
    limitMillis: statementLimitMillis,
  });
  const inSchema = (table: string) => `${doubleQuoted(definition.schema)}.${doubleQuoted(table)}`;
  const tables: ChunkTables = {
    target: inSchema(definition.table),
    ledger: inSchema('_etl_loads'),
    steps: inSchema('_etl_steps'),
    staged: 'etl_staged',
    changes: 'etl_changes',
  };
  const { bucket, prefix } = definition.staging;
  const lock = (table: string) => `LOCK TABLE ${table}`;
  return createWarehouseDestination(
    {
      name: `redshift ${place}/${definition.schema}.${definition.table}`,
      dialect: redshiftDialect,
      tables,
      run: (sqls, signal) => statements.run({ statements: sqls, signal }),
      runStep: async (sqls, signal) => {
        await statements.run({ statements: [lock(tables.steps), ...sqls], signal });
      },
      async merge(request) {
        const files = await stageFiles(objects, prefix, request);
        const manifest = await writeCopyManifest(objects, { bucket, prefix, files, request });
        const rows = await statements.run({
          statements: [
            lock(tables.ledger),
            `CREATE TEMP TABLE ${tables.staged} (${stagedColumns(redshiftDialect, request.shape).join(', ')})`,
            ...(manifest ? [copyStatement(tables.staged, { definition, request, manifest })] : []),
            ...mergeStatements(redshiftDialect, tables, request),
            selectLedger(tables, request.chunk),
          ],
          clientToken: tokenOf('redshift', request.chunk),
          signal: request.signal,
        });
        await eraseFiles(objects, stagedChunkPrefix(prefix, request.chunk), request.signal);
        return rows;
      },
      eraseStaged: ({ loadId, signal }) => eraseFiles(objects, stagedLoadPrefix(prefix, loadId), signal),
      close: () => Promise.resolve(),
    },
    definition.afterLoad,
  );
}

interface CopyManifest {
  readonly bucket: string;
  readonly prefix: string;
  readonly files: readonly StagedFile[];
  readonly request: LoadRequest;
}

/**
 * Names each file as mandatory, so that COPY fails where one is missing: docs.aws.amazon.com/redshift/latest/dg/
 * loading-data-files-using-manifest.html. The manifest's URL; undefined when there is nothing to copy.
 */
async function writeCopyManifest(
  objects: ObjectStore,
  { bucket, prefix, files, request }: CopyManifest,
): Promise<string | undefined> {
  if (files.length === 0) return undefined;
  const entries = files.map(({ key }) => ({ url: `s3://${bucket}/${key}`, mandatory: true }));
  const key = `${stagedChunkPrefix(prefix, request.chunk)}copy.manifest`;
  await putFile(objects, key, Buffer.from(JSON.stringify({ entries }), 'utf8'));
  return `s3://${bucket}/${key}`;
}

/** docs.aws.amazon.com/redshift/latest/dg/r_COPY.html; unquoted column names come in lower case, hence ignorecase. */
function copyStatement(
  staged: string,
  {
    definition,
    request,
    manifest,
  }: { definition: RedshiftDefinition; request: LoadRequest; manifest: string },
): string {
  const names = [...request.shape.columns.map(({ name }) => doubleQuoted(name)), rowNumberColumn];
  return (
    `COPY ${staged} (${names.join(', ')}) FROM ${singleQuoted(manifest)} IAM_ROLE ${singleQuoted(definition.copyRole)} ` +
    `FORMAT AS JSON 'auto ignorecase' MANIFEST TIMEFORMAT 'auto' DATEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF`
  );
}
