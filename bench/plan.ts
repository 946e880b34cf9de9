import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PlanRun } from './plan-run.ts';

const usage = `Usage: npm run bench:plan -- [options]

Plans the renewals of fleets of which one certificate in a hundred is due, and says what was read and what it took.
The fleet lies in a process of its own, as it would in a database; the figures are those of the planning process.

  --sizes A,B   certificates tracked (default: 10000,100000,1000000)
  --json        one JSON document on stdout
  --help        this text

Status: 0 all targets reached, 1 one missed or a run failed, 2 bad options.
`;

const most = { cpuSeconds: 5, rssMegabytes: 512 };
const longestRunMillis = 300_000;

class RunFailed extends Error {}

/** One size in a process of its own, so that no run finds another's memory or warm code. */
function runSize(size: number): Promise<PlanRun> {
  const path = fileURLToPath(new URL('plan-run.ts', import.meta.url));
  const child = fork(path, [String(size)], { serialization: 'advanced', timeout: longestRunMillis });
  return new Promise((resolve, reject) => {
    child.once('message', (result: PlanRun) => resolve(result));
    child.once('exit', (code) => reject(new RunFailed(`the run of ${size} ended with status ${code}`)));
  });
}

interface Ratio {
  readonly from: number;
  readonly to: number;
  readonly due: number;
  readonly items: number;
  readonly cpu: number;
}

/** How much more the larger of two fleets cost; what follows what is due grows as `due` does. */
const compare = (smaller: PlanRun, larger: PlanRun): Ratio => ({
  from: smaller.certificates,
  to: larger.certificates,
  due: larger.due / smaller.due,
  items: larger.dryRun.items / smaller.dryRun.items,
  cpu: larger.dryRun.cpuSeconds / smaller.dryRun.cpuSeconds,
});

const isWithin = ({ cpuSeconds, peakRssMegabytes }: PlanRun) =>
  cpuSeconds <= most.cpuSeconds && peakRssMegabytes <= most.rssMegabytes;

function render(runs: readonly PlanRun[], ratios: readonly Ratio[]): string {
  const line = (cells: readonly string[]) => cells.map((cell) => cell.padStart(12)).join('');
  const titles = ['tracked', 'due', 'plan', 'queries', 'items', 'CPU s', 'wall s'];
  const rows = runs.flatMap(({ certificates, due, dryRun, tick }) =>
    Object.entries({ 'dry run': dryRun, tick }).map(([plan, cost]) => [
      ...[certificates, due].map(String),
      plan,
      ...[cost.queries, cost.items].map(String),
      ...[cost.cpuSeconds, cost.wallSeconds].map((seconds) => seconds.toFixed(3)),
    ]),
  );
  const wholes = runs.map(
    ({ certificates, cpuSeconds, peakRssMegabytes }) =>
      `${certificates} tracked: the process took ${cpuSeconds.toFixed(2)} s of CPU and ${peakRssMegabytes.toFixed(0)} MB at most`,
  );
  const growth = ratios.map(
    ({ from, to, due, items, cpu }) =>
      `${from} -> ${to} tracked: due x ${due.toFixed(1)}, items read x ${items.toFixed(1)}, CPU x ${cpu.toFixed(1)}`,
  );
  return [titles, ...rows].map(line).concat('', wholes, '', growth).join('\n');
}

function readSizes(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size >= 1000 && size <= 10_000_000)) return sizes;
  throw new Error(`--sizes takes whole numbers from 1000 to 10000000 separated by commas, not "${text}"`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      sizes: { type: 'string', default: '10000,100000,1000000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return { ...values, sizes: readSizes(values.sizes) };
}

async function main({ sizes, json }: { sizes: readonly number[]; json: boolean }): Promise<number> {
  const runs: PlanRun[] = [];
  for (const size of sizes) runs.push(await runSize(size));
  const ratios = runs.slice(1).flatMap((run, index) => {
    const before = runs[index];
    return before ? [compare(before, run)] : [];
  });
  const reached = runs.every(isWithin);
  const document = { runs, ratios, targets: { ...most, reached } };
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${render(runs, ratios)}\n`);
  return reached ? 0 : 1;
}

try {
  const options = readOptions();
  if (options.help) process.stdout.write(usage);
  else process.exitCode = await main(options);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof RunFailed ? 1 : 2;
}
