import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { certfleet, ownForms, peers } from './etl-contenders.ts';
import { type EtlStanding, holdContest, measureMemory } from './etl-contest.ts';
import { pins } from './etl-programs.ts';

const usage = `Usage: npm run bench:etl -- [options]

NDJSON in, contract, filter, HMAC of two columns, four columns of metadata, and out: by certfleet's own reader, plan and
batches as NDJSON, as Parquet, and through the sealed parts of the chain; and by its peers. Each is a process of its own
on one core, one after the other.

  --rows N     rows of the input (default: 500000)
  --rounds N   rounds, of which medians are shown (default: 3)
  --flat LIST  other sizes of input, at which certfleet's memory is measured once (default: 100000)
  --json       one JSON document on stdout, everything else on stderr
  --help       this text

DuckDB is the program on PATH, or the module of the Python that DUCKDB_PYTHON names (default: python3).
`;

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

function describe({ name, leavesOut, sameOutput, ...standing }: EtlStanding): string {
  const perSecond = String(standing.rowsPerSecond).padStart(9);
  const perCpu = String(standing.rowsPerCpuSecond ?? '-').padStart(9);
  const same = sameOutput === undefined ? '' : sameOutput ? 'same output' : 'OTHER OUTPUT';
  const note = leavesOut ? `without ${leavesOut}` : same;
  const memory = mebibytes(standing.maxRssBytes).padStart(10);
  return `${name.padEnd(24)} ${perSecond} rows/s ${perCpu} rows/CPU s ${memory}  ${note}`.trimEnd();
}

function readCount(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be of whole numbers from 1, not "${text}"`);
}

/** Memory by size of input, and how much more of it the largest takes than the smallest. */
function describeFlat(memory: ReadonlyMap<number, number>) {
  const sorted = [...memory].sort(([left], [right]) => left - right);
  const growth = (sorted.at(-1)?.[1] ?? 1) / (sorted[0]?.[1] ?? 1);
  return { maxRssBytesByRows: Object.fromEntries(sorted), growth: Math.round(growth * 1_000) / 1_000 };
}

async function run(options: { rows: number; rounds: number; flat: readonly number[]; json: boolean }) {
  const { rows, rounds, flat: sizes, json } = options;
  const folder = mkdtempSync(join(tmpdir(), 'certfleet-bench-etl-'));
  try {
    const present = peers.filter(({ program }) => program !== undefined);
    const missing = peers.filter((peer) => !present.includes(peer)).map(({ name }) => name);
    const contenders = [certfleet, ...Object.values(ownForms), ...present];
    const standings = await holdContest(contenders, { rows, rounds, folder });
    const figuresOf = (contender: typeof certfleet) => {
      const { name: _, ...figures } = standings.get(contender) ?? raise('a contender was not measured');
      return figures;
    };
    const own = figuresOf(certfleet);
    const others = await measureMemory(
      sizes.filter((size) => size !== rows),
      folder,
    );
    const flat = describeFlat(new Map([...others, [rows, own.maxRssBytes]]));
    const result = {
      rows,
      oneCore: pins,
      ...own,
      parquet: figuresOf(ownForms.parquet),
      sealed: figuresOf(ownForms.sealed),
      flat,
      peers: Object.fromEntries(present.map((peer) => [peer.name, figuresOf(peer)])),
      missing,
    };
    const lines = [...standings.values()].map(describe);
    const memory = Object.entries(flat.maxRssBytesByRows).map(
      ([size, bytes]) => `${size} rows: ${mebibytes(bytes)}`,
    );
    lines.push(`memory of certfleet: ${memory.join(', ')}`);
    if (missing.length > 0) lines.push(`not on this machine: ${missing.join(', ')}`);
    (json ? process.stderr : process.stdout).write(`${lines.join('\n')}\n`);
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if ([...standings.values()].some(({ sameOutput }) => sameOutput === false)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function raise(message: string): never {
  throw new Error(message);
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '3' },
    flat: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
} else {
  await run({
    rows: readCount('rows', values.rows),
    rounds: readCount('rounds', values.rounds),
    flat: values.flat.split(',').map((text) => readCount('flat', text)),
    json: values.json,
  });
}
