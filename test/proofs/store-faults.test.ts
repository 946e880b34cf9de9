import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapBounded } from '../../shared/runtime/concurrency.ts';
import { rows } from '../support/faults.ts';
import { startIssueWorld } from '../support/issue-world.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { createTrialGround, type TrialGround } from '../support/trial.ts';
import { tryFaults } from '../support/try-faults.ts';
import { conditions, createWeather } from '../support/weather.ts';

const atOnce = 12;
/** Chance has its say in whether a fault is felt. */
const rounds = [1, 2, 3];
const seed = Number(process.env.PROOF_SEED ?? Date.now() % 2 ** 32);
/** `STORE_FAULTS=place-order/storm` plays what contains it. */
const chosen = process.env.STORE_FAULTS ?? '';

describe('a renewal whose stores fail at one step', () => {
  let ground: TrialGround;
  beforeAll(async () => {
    ground = createTrialGround(await startIssueWorld());
  });
  afterAll(() => ground.world.stop());

  it('converges as soon as they work again, with one order, one certificate and no key lost', async () => {
    const cases = rows
      .flatMap((row) => conditions.flatMap((condition) => rounds.map((round) => ({ row, condition, round }))))
      .map((each, index) => ({ ...each, seed: seed + index }))
      .filter(({ row, condition }) => `${row}/${condition}`.includes(chosen));
    let felt = 0;
    const results = await mapBounded(cases, atOnce, async (each) => {
      const weather = createWeather(each, createSeededRandom(each.seed));
      const replay = `PROOF_SEED=${seed} STORE_FAULTS=${each.row}/${each.condition}`;
      const result = await tryFaults(ground, { challenge: 'http-01', faults: [], replay, weather });
      if (weather.felt > 0) felt += 1;
      return result;
    });
    const failures = results.flatMap(({ failure }) => failure ?? []);
    const summary = `store faults ${cases.length - failures.length}/${cases.length}, ${felt} were felt, seed ${seed}`;
    console.log([summary, ...failures].join('\n'));
    expect(failures).toEqual([]);
  });
});
