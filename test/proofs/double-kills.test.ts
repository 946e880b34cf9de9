import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChallengeType } from '../../shared/certificates/certificate.ts';
import { mapBounded } from '../../shared/runtime/concurrency.ts';
import type { Random } from '../../shared/runtime/random.ts';
import { describeFault, everyFault, type Fault, rows } from '../support/faults.ts';
import { startIssueWorld } from '../support/issue-world.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { createTrialGround, type TrialGround } from '../support/trial.ts';
import { tryFaults } from '../support/try-faults.ts';

const pairs = 300;
const atOnce = 12;
const seed = Number(process.env.PROOF_SEED ?? Date.now() % 2 ** 32);
/** Plays the pair of this number alone, of the same seed. */
const only = process.env.PROOF_PAIR;

/** Whoever sleeps before finalize and wakes after it, while the certificate is not fetched yet. */
const finalized: Fault = { row: 'finalize-order', point: 'after-effect', mode: 'kill' };
const lateSleepers = everyFault.filter(
  ({ row, point, mode }) =>
    rows.indexOf(row) < rows.indexOf('finalize-order') && point === 'before-effect' && mode === 'zombie',
);

interface Pair {
  readonly number: number;
  readonly faults: readonly [Fault, Fault];
  readonly challenge: ChallengeType;
}

describe('a renewal whose workers are stopped twice', () => {
  let ground: TrialGround;
  beforeAll(async () => {
    ground = createTrialGround(await startIssueWorld());
  });
  afterAll(() => ground.world.stop());

  it('converges all the same, whichever two steps it happens at', async () => {
    const random = createSeededRandom(seed);
    const drawn = [
      ...Array.from({ length: pairs }, (_, number) => drawPair(number, random)),
      ...lateSleepers.map((fault, index) => ({
        number: pairs + index,
        faults: [fault, finalized] as const,
        challenge: 'http-01' as const,
      })),
    ];
    const cases = drawn.filter(({ number }) => only === undefined || number === Number(only));
    const results = await mapBounded(cases, atOnce, ({ number, faults, challenge }) => {
      const recipe = faults.map(describeFault).join(' then ');
      const replay = `PROOF_SEED=${seed} PROOF_PAIR=${number} (${recipe}, ${challenge})`;
      return tryFaults(ground, { challenge, faults, replay });
    });
    const failures = results.flatMap(({ failure }) => failure ?? []);
    const both = results.filter(({ struck }) => struck === 2).length;
    const summary = `double kills ${cases.length - failures.length}/${cases.length}, ${both} struck twice, seed ${seed}`;
    console.log([summary, ...failures].join('\n'));
    expect(failures).toEqual([]);
  });
});

/** The second at the same row or a later one, so that it still has its chance to strike. */
function drawPair(number: number, random: Random): Pair {
  const draw = (): Fault => {
    const fault = everyFault[Math.floor(random() * everyFault.length)];
    if (!fault) throw new Error('no fault to draw');
    return fault;
  };
  const [one, other] = [draw(), draw()];
  const inOrder = rows.indexOf(one.row) <= rows.indexOf(other.row);
  const challenge = random() < 0.5 ? 'http-01' : 'dns-01';
  return { number, faults: inOrder ? [one, other] : [other, one], challenge };
}
