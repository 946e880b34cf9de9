import { spawnSync } from 'node:child_process';
import { isThere } from './etl-programs.ts';
import { definition, materials } from './etl-workload.ts';

const { run, key } = materials;
const columns = Object.entries(definition.contract.columns)
  .map(
    ([name, { type }]) =>
      `${name}: '${type === 'number' ? 'DOUBLE' : type === 'integer' ? 'BIGINT' : 'VARCHAR'}'`,
  )
  .join(', ');

/** HMAC-SHA-256 (RFC 2104) by DuckDB's own hash, in the form of hash_pii. */
const pseudonym = (text: string) => {
  const pad = (byte: number) => {
    const block = Buffer.alloc(64);
    block.write(key, 'latin1');
    return `unhex('${Buffer.from(block.map((each) => each ^ byte)).toString('hex')}')`;
  };
  const inner = `unhex(sha256(${pad(0x36)} || encode(${text})))`;
  return `'h1:' || rtrim(translate(to_base64(unhex(sha256(${pad(0x5c)} || ${inner}))), '+/', '-_'), '=')`;
};

const formats = {
  ndjson: 'FORMAT json',
  parquet: 'FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 10000',
} as const;

export type DuckdbForm = keyof typeof formats;

export const duckdbSql = (form: DuckdbForm, input: string, output: string): string => `
  SET threads = 1;
  COPY (
    SELECT * REPLACE (
      ${form === 'parquet' ? 'ordered_at::TIMESTAMPTZ AS ordered_at,' : ''}
      ${pseudonym('lower(trim(email))')} AS email,
      ${pseudonym(`regexp_replace(phone, '[^0-9+]', '', 'g')`)} AS phone
    ), '${run.startedAt.toISOString()}' AS _pipeline_timestamp, '${run.version}' AS _pipeline_version,
    '${run.runId}' AS _run_id, '${run.source}' AS _source
    FROM read_ndjson('${input}', columns = {${columns}}) WHERE status <> 'test' AND items > 0
  ) TO '${output}' (${formats[form]})`;

/** How to run a statement: the program on PATH, or a Python that has the module. */
export function findDuckdb(): { program: string; argsFor: (sql: string) => readonly string[] } | undefined {
  if (isThere('duckdb')) return { program: 'duckdb', argsFor: (sql) => ['-c', sql] };
  const python = process.env.DUCKDB_PYTHON ?? 'python3';
  if (spawnSync(python, ['-c', 'import duckdb']).status !== 0) return undefined;
  return {
    program: python,
    argsFor: (sql) => ['-c', 'import duckdb, sys; duckdb.execute(sys.argv[1])', sql],
  };
}
