import { join } from 'node:path';
import { materials } from './etl-workload.ts';

/** A program that does the bench's work, or the nearest it can. */
export interface EtlContender {
  readonly name: string;
  /** What of the work it leaves out; nothing when absent. */
  readonly leavesOut?: string;
  /** The program that must be on PATH. */
  readonly program: string;
  argsFor(input: string, output: string): readonly string[];
}

const here = (name: string) => join(import.meta.dirname, name);
const { run, key } = materials;

const miller = [
  `filter '$status != "test" && $items > 0'`,
  `put '$email = "h1:" . sha256("${key}" . tolower(strip($email)));`,
  `if (is_not_empty($phone)) {$phone = "h1:" . sha256("${key}" . gsub($phone, "[^0-9+]", ""))}`,
  `$_pipeline_timestamp = "${run.startedAt.toISOString()}"; $_pipeline_version = "${run.version}";`,
  `$_run_id = "${run.runId}"; $_source = "${run.source}"'`,
];

const duckdb = (input: string, output: string) => `
  SET threads = 1;
  COPY (
    SELECT * REPLACE (
      'h1:' || sha256('${key}' || lower(trim(email))) AS email,
      'h1:' || sha256('${key}' || regexp_replace(phone, '[^0-9+]', '', 'g')) AS phone
    ), '${run.startedAt.toISOString()}' AS _pipeline_timestamp, '${run.version}' AS _pipeline_version,
    '${run.runId}' AS _run_id, '${run.source}' AS _source
    FROM read_ndjson('${input}') WHERE status <> 'test' AND items > 0
  ) TO '${output}' (FORMAT json)`;

export const certfleet: EtlContender = {
  name: 'certfleet',
  program: process.execPath,
  // As a function is run: the young generation then stays as it starts, and memory flat.
  argsFor: (input, output) => ['--max-semi-space-size=16', here('etl-certfleet.ts'), input, output],
};

export const peers: readonly EtlContender[] = [
  {
    name: 'python',
    program: 'python3',
    argsFor: (input, output) => [here('etl-peer.py'), input, output],
  },
  {
    name: 'miller',
    leavesOut: 'contract; a plain hash of key and value for the HMAC',
    program: 'mlr',
    argsFor: (input, output) => [
      '-c',
      `mlr --jsonl ${miller[0]} then ${miller.slice(1).join(' ')} '${input}' > '${output}'`,
    ],
  },
  {
    name: 'duckdb',
    leavesOut: 'contract; a plain hash of key and value for the HMAC',
    program: 'duckdb',
    argsFor: (input, output) => ['-c', duckdb(input, output)],
  },
];

/** Miller is told by a shell, since its expressions hold quotes of both kinds. */
export const commandOf = ({ name, program }: EtlContender): string =>
  name === 'miller' ? '/bin/sh' : program;
