import type { ObjectStore } from '../../../shared/etl/objects/object-store.ts';
import {
  type FakeAnswer,
  type FakeRequest,
  startHttpsFake,
} from '../../shared/etl/destinations/warehouse/https-fake.ts';
import { type Engine, type EngineAnswer, startDuckDb } from './duckdb-engine.ts';
import { insertFromFiles, withFiles } from './trial-rows.ts';

/**
 * Snowflake's SQL API over HTTPS, with DuckDB behind it: request ids are remembered, results of several statements
 * are asked for by handle. It is not Snowflake: COPY is read by DuckDB, and types are exchanged for its own.
 */
export async function startFakeSnowflake(objects: ObjectStore, prefix: string) {
  const engine = startDuckDb();
  await engine.run(['CREATE SCHEMA "PUBLIC"']);
  const results = new Map<string, readonly (readonly (string | null)[])[]>();
  const byRequestId = new Map<string, Promise<FakeAnswer>>();
  const batches: string[][] = [];
  const keep = (rows: readonly (readonly (string | null)[])[]) => {
    const handle = `handle-${results.size + 1}`;
    results.set(handle, rows);
    return handle;
  };

  async function execute({ body }: FakeRequest): Promise<FakeAnswer> {
    const { statement, parameters } = JSON.parse(body.toString('utf8'));
    const statements = String(statement).split(';\n');
    batches.push(statements);
    if (String(statements.length) !== (parameters?.MULTI_STATEMENT_COUNT ?? '1')) return { status: 422 };
    const answer = await runSnowflake(engine, objects, { statements, prefix });
    if (answer.error)
      return { status: 422, json: { statementHandle: 'failed', sqlState: '22018', message: answer.error } };
    if (statements.length === 1) return { json: { statementHandle: keep([]), data: answer.results[0] } };
    return { json: { statementHandle: keep([]), statementHandles: answer.results.map(keep) } };
  }
  const fake = await startHttpsFake('example.snowflakecomputing.com', (request) => {
    const handle = request.url.pathname.split('/')[4];
    if (handle) return { json: { statementHandle: handle, data: results.get(handle) ?? [] } };
    const id = request.url.searchParams.get('requestId');
    const answered = (id && byRequestId.get(id)) || execute(request);
    if (id) byRequestId.set(id, answered);
    return answered;
  });
  return {
    ...fake,
    engine,
    batches,
    async stop() {
      await fake.stop();
      await engine.stop();
    },
  };
}

async function runSnowflake(
  engine: Engine,
  objects: ObjectStore,
  { statements, prefix }: { statements: readonly string[]; prefix: string },
): Promise<EngineAnswer> {
  const copy = statements.find((sql) => sql.startsWith('COPY INTO'));
  const files = /FILES = \(([^)]*)\)/.exec(copy ?? '')?.[1] ?? '';
  const keys = [...files.matchAll(/'([^']*)'/g)].map(([, path = '']) => prefix + path);
  const columns = [...(copy ?? '').matchAll(/\$1:"(\w+)"::(\w+)/g)].map(([, name = '', type = '']) => ({
    name,
    type: duckDbTypes[type] ?? type,
  }));
  return withFiles(objects, keys, (paths) =>
    engine.run(
      statements.map((sql) => (sql === copy ? insertFromFiles('etl_staged', columns, paths) : asDuckDb(sql))),
    ),
  );
}

const duckDbTypes: Readonly<Record<string, string>> = {
  NUMBER: 'BIGINT',
  TIMESTAMP_TZ: 'TIMESTAMPTZ',
  VARIANT: 'JSON',
};

const asDuckDb = (sql: string): string =>
  sql
    .replaceAll('"ANALYTICS".', '')
    .replaceAll('NUMBER(38,0)', 'BIGINT')
    .replaceAll('TIMESTAMP_TZ', 'TIMESTAMPTZ')
    .replaceAll(' VARIANT', ' JSON')
    .replaceAll('CURRENT_TIMESTAMP()', 'now()');
