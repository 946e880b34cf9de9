import { join } from 'node:path';
import { certfleet, type EtlContender } from './etl-contenders.ts';
import { type Measure, measure } from './etl-measure.ts';
import { writeInput } from './etl-workload.ts';
import { median } from './measure.ts';

/** How a contender fared, by medians over the rounds. */
export interface EtlStanding {
  readonly name: string;
  readonly rowsPerSecond: number;
  /** What stands when others use the machine as well. */
  readonly rowsPerCpuSecond: number | undefined;
  readonly maxRssBytes: number;
  readonly leavesOut?: string | undefined;
  /** Whether it wrote the same bytes as certfleet; of those alone that are to. */
  readonly sameOutput?: boolean | undefined;
}

/** Runs the contenders round by round, one after the other; certfleet's own NDJSON must be among them. */
export async function holdContest(
  contenders: readonly EtlContender[],
  { rows, rounds, folder }: { rows: number; rounds: number; folder: string },
): Promise<ReadonlyMap<EtlContender, EtlStanding>> {
  const input = join(folder, 'input.ndjson');
  await writeInput(input, rows);
  const measures = new Map<EtlContender, Measure[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [contender, taken] of measures) {
      const last = await measure(contender, input, join(folder, 'output'));
      taken.push(last);
      process.stderr.write(`${contender.name}: ${Math.round(rows / last.seconds)} rows/s\n`);
    }
  }
  const wanted = measures.get(certfleet)?.[0]?.digest;
  return new Map(
    [...measures].map(([contender, taken]) => [contender, standingOf(contender, taken, { rows, wanted })]),
  );
}

/** certfleet's largest memory over inputs of these many rows, one run each. */
export async function measureMemory(
  sizes: readonly number[],
  folder: string,
): Promise<ReadonlyMap<number, number>> {
  const input = join(folder, 'sized.ndjson');
  const found = new Map<number, number>();
  for (const rows of sizes) {
    await writeInput(input, rows);
    const { maxRssBytes } = await measure(certfleet, input, join(folder, 'output'));
    found.set(rows, maxRssBytes);
  }
  return found;
}

function standingOf(
  { name, leavesOut, comparable }: EtlContender,
  taken: readonly Measure[],
  { rows, wanted }: { rows: number; wanted: string | undefined },
): EtlStanding {
  const seconds = taken.map((each) => each.seconds);
  const cpuSeconds = taken.flatMap((each) => each.cpuSeconds ?? []);
  return {
    name,
    rowsPerSecond: rateOf(rows, seconds) ?? 0,
    rowsPerCpuSecond: rateOf(rows, cpuSeconds),
    maxRssBytes: Math.max(...taken.map(({ maxRssBytes }) => maxRssBytes)),
    leavesOut,
    sameOutput: comparable ? taken.every(({ digest }) => digest === wanted) : undefined,
  };
}

function rateOf(rows: number, seconds: readonly number[]): number | undefined {
  const middle = median(seconds);
  return middle && Math.round(rows / middle);
}
