import { join } from 'node:path';
import { type DuckdbForm, duckdbSql, findDuckdb } from './etl-duckdb.ts';
import { isThere } from './etl-programs.ts';
import { materials } from './etl-workload.ts';

/** A program that does the bench's work, or the nearest it can. */
export interface EtlContender {
  readonly name: string;
  /** What of the work it leaves out; nothing when absent. */
  readonly leavesOut?: string;
  /** Whether its output is to be that of certfleet, byte for byte. */
  readonly comparable?: boolean;
  /** Undefined where it is not on this machine. */
  readonly program: string | undefined;
  argsFor(input: string, output: string): readonly string[];
}

const here = (name: string) => join(import.meta.dirname, name);
const { run, key } = materials;

/** As a function is run: the young generation then stays as it starts, and memory flat. */
const certfleetAs = (form: 'ndjson' | 'parquet' | 'sealed') => ({
  program: process.execPath,
  argsFor: (input: string, output: string) => [
    '--max-semi-space-size=16',
    here('etl-certfleet.ts'),
    form,
    input,
    output,
  ],
});

export const certfleet: EtlContender = { name: 'certfleet', comparable: true, ...certfleetAs('ndjson') };

/** The same work with other ends. */
export const ownForms: Readonly<Record<'parquet' | 'sealed', EtlContender>> = {
  parquet: { name: 'certfleet, Parquet', ...certfleetAs('parquet') },
  sealed: { name: 'certfleet, sealed parts', ...certfleetAs('sealed') },
};

const miller = [
  `filter '$status != "test" && $items > 0' then`,
  `put '$email = "h1:" . sha256("${key}" . tolower(strip($email)));`,
  `if (is_not_empty($phone)) {$phone = "h1:" . sha256("${key}" . gsub($phone, "[^0-9+]", ""))}`,
  `$_pipeline_timestamp = "${run.startedAt.toISOString()}"; $_pipeline_version = "${run.version}";`,
  `$_run_id = "${run.runId}"; $_source = "${run.source}"'`,
].join(' ');

const onPath = (program: string) => (isThere(program) ? program : undefined);

const duckdb = findDuckdb();
const duckdbAs = (form: DuckdbForm) => ({
  leavesOut: 'contract but for its types',
  program: duckdb?.program,
  argsFor: (input: string, output: string) => duckdb?.argsFor(duckdbSql(form, input, output)) ?? [],
});

export const peers: readonly EtlContender[] = [
  {
    name: 'python',
    comparable: true,
    program: onPath('python3'),
    argsFor: (input, output) => [here('etl-peer.py'), input, output],
  },
  {
    name: 'miller',
    leavesOut: 'contract; a plain hash of key and value for the HMAC',
    // Told by a shell, since its expressions hold quotes of both kinds.
    program: onPath('mlr') && '/bin/sh',
    argsFor: (input, output) => ['-c', `exec mlr --jsonl ${miller} '${input}' > '${output}'`],
  },
  { name: 'duckdb', ...duckdbAs('ndjson') },
  { name: 'duckdb-parquet', ...duckdbAs('parquet') },
];
