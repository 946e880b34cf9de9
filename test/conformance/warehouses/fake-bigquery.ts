import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FakeAnswer,
  type FakeRequest,
  startHttpsFake,
} from '../../shared/etl/destinations/warehouse/https-fake.ts';
import { type Engine, startDuckDb } from './duckdb-engine.ts';
import { insertFromFiles } from './trial-rows.ts';

interface Job {
  readonly error?: string | undefined;
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * BigQuery's REST API over HTTPS, with DuckDB behind it: a job id is taken once (409 from then on), a job is DONE
 * when it is asked for. It is not BigQuery: GoogleSQL is put into DuckDB's words, of which it uses few of its own.
 */
export async function startFakeBigQuery() {
  const engine = startDuckDb();
  await engine.run([
    'CREATE SCHEMA "analytics"',
    'CREATE MACRO TO_JSON_STRING(document) AS CAST(document AS VARCHAR)',
  ]);
  const jobs = new Map<string, Promise<Job>>();
  const scripts: string[][] = [];

  async function insert(request: FakeRequest): Promise<FakeAnswer> {
    const { resource, media } = readInsert(request);
    const jobId: string = resource.jobReference.jobId ?? `made-up-${jobs.size}`;
    if (jobs.has(jobId)) return { status: 409, json: { error: { code: 409, status: 'ALREADY_EXISTS' } } };
    const { query, load } = resource.configuration;
    if (query) scripts.push(query.query.split(';\n'));
    const job = load ? runLoad(engine, load, media) : runScript(engine, query.query);
    jobs.set(jobId, job);
    await job;
    return { json: { jobReference: { ...resource.jobReference, jobId }, status: { state: 'RUNNING' } } };
  }
  const fake = await startHttpsFake('bigquery.googleapis.com', async (request) => {
    if (request.method === 'POST') return insert(request);
    const [, , , , , kind, jobId = ''] = request.url.pathname.split('/');
    const job = await jobs.get(jobId);
    if (!job) return { status: 404 };
    if (kind === 'queries')
      return { json: { rows: job.rows.map((row) => ({ f: row.map((v) => ({ v })) })) } };
    const errorResult = job.error ? { reason: 'invalidQuery', message: job.error } : undefined;
    return { json: { jobReference: { jobId }, status: { state: 'DONE', errorResult } } };
  });
  return {
    ...fake,
    engine,
    scripts,
    async stop() {
      await fake.stop();
      await engine.stop();
    },
  };
}

function readInsert({ headers, body }: FakeRequest) {
  const boundary = /boundary=(.*)$/.exec(headers['content-type'] ?? '')?.[1];
  if (!boundary) return { resource: JSON.parse(body.toString('utf8')), media: Buffer.alloc(0) };
  const [, metadata = '', media = ''] = body.toString('utf8').split(`--${boundary}`);
  const contentOf = (part: string) => part.slice(part.indexOf('\r\n\r\n') + 4, -2);
  return { resource: JSON.parse(contentOf(metadata)), media: Buffer.from(contentOf(media), 'utf8') };
}

async function runScript(engine: Engine, script: string): Promise<Job> {
  const { error, results } = await engine.run(script.replace(/;$/, '').split(';\n').map(asDuckDb));
  return { error, rows: results.at(-1) ?? [] };
}

async function runLoad(
  engine: Engine,
  load: { destinationTable: { tableId: string } },
  media: Buffer,
): Promise<Job> {
  const table = `"analytics"."${load.destinationTable.tableId}"`;
  const folder = await mkdtemp(join(tmpdir(), 'load-job-'));
  try {
    const path = join(folder, 'rows.ndjson');
    await writeFile(path, media);
    const { results } = await engine.run([
      `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '${load.destinationTable.tableId}'`,
    ]);
    const columns = (results[0] ?? []).map(([name, type]) => ({ name: String(name), type: String(type) }));
    const { error } = await engine.run([insertFromFiles(table, columns, [path])]);
    return { error, rows: [] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const asDuckDb = (sql: string): string =>
  sql
    .replace(/`[\w-]+\.(\w+)\.(\w+)`/g, '"$1"."$2"')
    .replaceAll('`', '"')
    .replace(/^ASSERT (.*) AS ('[\w-]+')$/, "SELECT CAST(CASE WHEN $1 THEN '0' ELSE $2 END AS INTEGER)")
    .replace(/ OPTIONS \(.*\)$/, '')
    .replace(/\bSTRING\b/g, 'VARCHAR')
    .replace(/\bFLOAT64\b/g, 'DOUBLE')
    .replace(/\bBIGNUMERIC\b/g, 'VARCHAR')
    .replace(/\bINT64\b/g, 'BIGINT')
    .replace(/\bTIMESTAMP\b(?! [\w(])/g, 'TIMESTAMPTZ')
    .replace(/\bTIMESTAMP NOT NULL/g, 'TIMESTAMPTZ NOT NULL')
    .replaceAll('CURRENT_TIMESTAMP()', 'now()')
    .replace(/^COMMIT TRANSACTION$/, 'COMMIT');
