import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { certfleet, type EtlContender, peers } from './etl-contenders.ts';
import { isThere, type Measure, measure, pins } from './etl-measure.ts';
import { writeInput } from './etl-workload.ts';
import { median } from './measure.ts';

const usage = `Usage: npm run bench:etl -- [options]

NDJSON in, contract, filter, HMAC of two columns, four columns of metadata, NDJSON out: by certfleet's own reader, plan
and batches, and by its peers, each a process of its own on one core, one after the other.

  --rows N     rows of the input (default: 500000)
  --rounds N   rounds, of which medians are shown (default: 3)
  --json       one JSON document on stdout, everything else on stderr
  --help       this text
`;

interface Standing {
  readonly name: string;
  readonly rowsPerSecond: number;
  /** What stands when others use the machine as well. */
  readonly rowsPerCpuSecond: number | undefined;
  readonly maxRssBytes: number;
  readonly leavesOut?: string | undefined;
  /** Whether it wrote the same bytes as certfleet; not asked of those that leave something out. */
  readonly sameOutput?: boolean | undefined;
}

async function contest(rows: number, rounds: number, folder: string): Promise<Standing[]> {
  const input = join(folder, 'input.ndjson');
  await writeInput(input, rows);
  const contenders = [certfleet, ...peers.filter(({ program }) => isThere(program))];
  const measures = new Map<EtlContender, Measure[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const taken = await measure(contender, input, join(folder, 'output.ndjson'));
      measures.get(contender)?.push(taken);
      process.stderr.write(`${contender.name}: ${Math.round(rows / taken.seconds)} rows/s\n`);
    }
  }
  const wanted = measures.get(certfleet)?.[0]?.digest;
  return [...measures].map(([{ name, leavesOut }, taken]) => ({
    name,
    rowsPerSecond:
      rateOf(
        rows,
        taken.map(({ seconds }) => seconds),
      ) ?? 0,
    rowsPerCpuSecond: rateOf(
      rows,
      taken.flatMap(({ cpuSeconds }) => cpuSeconds ?? []),
    ),
    maxRssBytes: Math.max(...taken.map(({ maxRssBytes }) => maxRssBytes)),
    leavesOut,
    sameOutput: leavesOut === undefined ? taken.every(({ digest }) => digest === wanted) : undefined,
  }));
}

function rateOf(rows: number, seconds: readonly number[]): number | undefined {
  const middle = median(seconds);
  return middle && Math.round(rows / middle);
}

const describe = ({
  name,
  rowsPerSecond,
  rowsPerCpuSecond,
  maxRssBytes,
  leavesOut,
  sameOutput,
}: Standing) => {
  const perCpu = String(rowsPerCpuSecond ?? '-').padStart(9);
  const note = leavesOut ? `without ${leavesOut}` : sameOutput ? 'same output' : 'OTHER OUTPUT';
  const mebibytes = Math.round(maxRssBytes / 2 ** 20);
  return `${name.padEnd(10)} ${String(rowsPerSecond).padStart(9)} rows/s ${perCpu} rows/CPU s ${String(mebibytes).padStart(6)} MiB  ${note}`;
};

function readCount(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be a whole number from 1, not "${text}"`);
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'certfleet-bench-etl-'));
  try {
    const rows = readCount('rows', values.rows);
    const [own, ...others] = await contest(rows, readCount('rounds', values.rounds), folder);
    if (!own) throw new Error('nothing was measured');
    const missing = peers.filter(({ program }) => !isThere(program)).map(({ name }) => name);
    const result = {
      rows,
      oneCore: pins,
      rowsPerSecond: own.rowsPerSecond,
      rowsPerCpuSecond: own.rowsPerCpuSecond,
      maxRssBytes: own.maxRssBytes,
      peers: Object.fromEntries(others.map(({ name, ...standing }) => [name, standing])),
      missing,
    };
    const table = [own, ...others].map(describe).join('\n');
    const absent = missing.length > 0 ? `\nnot on PATH: ${missing.join(', ')}` : '';
    (values.json ? process.stderr : process.stdout).write(`${table}${absent}\n`);
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (others.some(({ sameOutput }) => sameOutput === false)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
