import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStore } from '../../../shared/etl/objects/object-store.ts';
import { type Engine, type EngineAnswer, startDuckDb } from './duckdb-engine.ts';
import { insertFromFiles, readObject, withFiles } from './trial-rows.ts';

interface Statement {
  readonly answer: EngineAnswer;
  readonly isBatch: boolean;
  isSeen: boolean;
}

/** Of all actions together. */
interface Input {
  readonly Sql?: string;
  readonly Sqls?: readonly string[];
  readonly ClientToken?: string;
  readonly Id?: string;
}

/**
 * The Redshift Data API over HTTP (JSON 1.1), with DuckDB behind it: batches are transactions, client tokens are
 * remembered, a statement is STARTED when it is first asked for. It is not Redshift: COPY is read by DuckDB, and LOCK
 * is left out, since sessions wait for each other anyway.
 */
export async function startFakeRedshift(objects: ObjectStore) {
  const engine = startDuckDb();
  await engine.run([
    'CREATE SCHEMA analytics',
    'CREATE TYPE SUPER AS JSON',
    'CREATE MACRO GETDATE() AS now()',
    'CREATE MACRO JSON_SERIALIZE(document) AS CAST(document AS VARCHAR)',
  ]);
  const statements = new Map<string, Statement>();
  const byToken = new Map<string, Promise<string>>();
  const calls: string[] = [];
  const batches: string[][] = [];

  async function submit(sqls: readonly string[], isBatch: boolean): Promise<string> {
    const id = `statement-${statements.size + 1}`;
    batches.push([...sqls]);
    const answer = await runRedshift(engine, objects, sqls);
    statements.set(id, { answer, isBatch, isSeen: false });
    return id;
  }
  const actions: Readonly<Record<string, (input: Input) => Promise<object>>> = {
    ExecuteStatement: async ({ Sql = '' }) => ({ Id: await submit([Sql], false) }),
    async BatchExecuteStatement({ Sqls = [], ClientToken: token }) {
      const submitted = (token && byToken.get(token)) || submit(Sqls, true);
      if (token) byToken.set(token, submitted);
      return { Id: await submitted };
    },
    DescribeStatement: async ({ Id = '' }) => describeStatement(Id, statements.get(Id)),
    async GetStatementResult({ Id }) {
      const [name = '', place] = String(Id).split(':');
      const rows = statements.get(name)?.answer.results.at(place ? Number(place) - 1 : -1) ?? [];
      return {
        Records: rows.map((row) =>
          row.map((cell) => (cell === null ? { isNull: true } : { stringValue: cell })),
        ),
      };
    },
  };
  const server = createServer(async (request, response) => {
    const input = JSON.parse(await readBody(request));
    const action = String(request.headers['x-amz-target']).replace('RedshiftData.', '');
    calls.push(action);
    const answer = await actions[action]?.(input);
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer ?? { __type: 'ValidationException' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    engine,
    calls,
    batches,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await engine.stop();
    },
  };
}

function describeStatement(id: string, statement: Statement | undefined) {
  if (!statement) return { Id: id, Status: 'FAILED' };
  if (!statement.isSeen) {
    statement.isSeen = true;
    return { Id: id, Status: 'STARTED' };
  }
  const { answer, isBatch } = statement;
  if (answer.error) return { Id: id, Status: 'FAILED', Error: `ERROR: ${answer.error}` };
  const parts = answer.results.map((_, index) => ({
    Id: `${id}:${index + 1}`,
    Status: 'FINISHED',
    HasResultSet: true,
  }));
  return isBatch
    ? { Id: id, Status: 'FINISHED', HasResultSet: true, SubStatements: parts }
    : { Id: id, Status: 'FINISHED', HasResultSet: true };
}

async function runRedshift(
  engine: Engine,
  objects: ObjectStore,
  sqls: readonly string[],
): Promise<EngineAnswer> {
  const copy = sqls.find((sql) => sql.startsWith('COPY '));
  const manifestKey = copy && /FROM 's3:\/\/[^/]+\/([^']+)'/.exec(copy)?.[1];
  const keys = manifestKey ? await readManifest(objects, manifestKey) : [];
  const columns = columnsOf(sqls);
  return withFiles(objects, keys, (paths) =>
    engine.run(
      sqls
        .filter((sql) => !sql.startsWith('LOCK TABLE'))
        .map((sql) => (sql === copy ? insertFromFiles('etl_staged', columns, paths) : sql)),
      { transaction: sqls.length > 1 },
    ),
  );
}

async function readManifest(objects: ObjectStore, key: string): Promise<readonly string[]> {
  const { entries } = JSON.parse((await readObject(objects, key)).toString('utf8'));
  return entries.map(({ url }: { url: string }) => url.replace(/^s3:\/\/[^/]+\//, ''));
}

/** Names and types of the staging table, as its CREATE says them. */
export function columnsOf(sqls: readonly string[]) {
  const create = sqls.find((sql) => /^CREATE TEMP(ORARY)? TABLE etl_staged/.test(sql)) ?? '';
  const list = create.slice(create.indexOf('(') + 1, create.lastIndexOf(')'));
  return [...list.matchAll(/"?(\w+)"? (DOUBLE PRECISION|\w+)(?:\([\d,]+\))?(?: NOT NULL)?(?:, |$)/g)].map(
    ([, name = '', type = '']) => ({ name, type: type === 'SUPER' ? 'JSON' : type }),
  );
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}
