import { expect, it } from 'vitest';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { mapBounded } from '../../shared/runtime/concurrency.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';
import { createIssueScene, type IssueScene, issueStepsOf } from '../support/issue-scene.ts';
import { startPebble } from './pebble.ts';
import { countPebbleLog } from './pebble-log.ts';
import { openPebbleWorld, readWholeLog } from './pebble-world.ts';

const nonceRejections = [0, 20, 50, 75, 90];
const authorizationReuses = [0, 50, 100];
const workerCounts = [1, 8];
const certificates = 30;
const pebblesAtOnce = 3;

interface Cell {
  readonly rejected: number;
  readonly reused: number;
  readonly workers: number;
  readonly obtained: number;
  readonly failures: readonly string[];
}

interface Pair {
  readonly cells: readonly Cell[];
  /** Certificates in Pebble's log beyond those obtained. */
  readonly orphans: number;
}

it('obtains every certificate and leaves no orphan, however many good nonces Pebble refuses', async () => {
  const pairs = nonceRejections.flatMap((rejected) =>
    authorizationReuses.map((reused) => ({ rejected, reused })),
  );
  const results = await mapBounded(pairs, pebblesAtOnce, fillCells);
  console.log(printGrid(results));
  const cells = results.flatMap((result) => result.cells);
  expect(cells.flatMap(({ failures }) => failures)).toEqual([]);
  expect(cells.map(({ obtained }) => obtained)).toEqual(cells.map(() => certificates));
  expect(results.map(({ orphans }) => orphans)).toEqual(results.map(() => 0));
}, 300_000);

/** One Pebble for every number of workers, which have names of their own. */
async function fillCells({ rejected, reused }: { rejected: number; reused: number }): Promise<Pair> {
  const pebble = await startPebble({
    PEBBLE_WFE_NONCEREJECT: String(rejected),
    PEBBLE_AUTHZREUSE: String(reused),
  });
  const world = await openPebbleWorld(pebble);
  try {
    const scene = createIssueScene({ world });
    const cells: Cell[] = [];
    for (const workers of workerCounts) {
      const names = Array.from({ length: certificates }, (_, index) => `w${workers}-c${index}.example.com`);
      const ends = await mapBounded(names, workers, (name) => obtain(name, scene));
      const failures = ends.filter((end) => end !== undefined);
      cells.push({ rejected, reused, workers, obtained: certificates - failures.length, failures });
    }
    const { ordersIssued } = countPebbleLog(await readWholeLog(pebble));
    const obtained = cells.reduce((sum, cell) => sum + cell.obtained, 0);
    return { cells, orphans: ordersIssued.length - obtained };
  } finally {
    await world.stop();
    await pebble.stop();
  }
}

/** Why the certificate was not obtained, or undefined. */
async function obtain(name: string, scene: IssueScene): Promise<string | undefined> {
  const policy = aPolicy({ domains: [name] });
  await scene.certificates.track({ name, policy, now: scene.clock.now() });
  await scene.renewals.open(aRenewal({ certificateName: name, policy }));
  const deadline = startDeadline(systemClock, 120_000);
  try {
    const result = await runRenewal({
      work: { certificateName: name, generation: 1, runId: 'grid' },
      ...issueStepsOf(scene),
      owner: name,
      deadline,
      ports: scene.runner,
    });
    const pair = await scene.vault.readCurrent(name);
    return result.kind === 'handed-over' && pair ? undefined : `${name}: ${JSON.stringify(result)}`;
  } catch (error) {
    return `${name}: ${asFailure(error).message}`;
  } finally {
    deadline.stop();
  }
}

function printGrid(results: readonly Pair[]): string {
  const lines = results.map(({ cells, orphans }) => {
    const [{ rejected, reused } = { rejected: 0, reused: 0 }] = cells;
    const counts = cells
      .map(({ workers, obtained }) => `${obtained}/${certificates} by ${workers}`)
      .join(', ');
    return `nonces refused ${rejected} %, authorizations reused ${reused} %: ${counts}, orphans ${orphans}`;
  });
  return ['nonce grid', ...lines].join('\n  ');
}
