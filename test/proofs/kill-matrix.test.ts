import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChallengeType } from '../../shared/certificates/certificate.ts';
import { mapBounded } from '../../shared/runtime/concurrency.ts';
import { describeFault, everyFault, type Fault } from '../support/faults.ts';
import { startIssueWorld } from '../support/issue-world.ts';
import { createTrialGround, type TrialGround } from '../support/trial.ts';
import { tryFaults } from '../support/try-faults.ts';

const challenges: readonly ChallengeType[] = ['http-01', 'dns-01'];
const atOnce = 12;
/** `KILL_MATRIX=finalize-order/after-effect/zombie` plays what contains it. */
const chosen = process.env.KILL_MATRIX ?? '';

describe('a renewal whose worker is stopped at one step', () => {
  let ground: TrialGround;
  beforeAll(async () => {
    ground = createTrialGround(await startIssueWorld());
  });
  afterAll(() => ground.world.stop());

  it('is carried on by another: one order, one certificate, no key lost, the old one served meanwhile', async () => {
    const cases = challenges
      .flatMap((challenge) => everyFault.map((fault) => ({ challenge, fault })))
      .filter((each) => recipeOf(each).includes(chosen));
    const results = await mapBounded(cases, atOnce, ({ challenge, fault }) => {
      const replay = `KILL_MATRIX=${recipeOf({ challenge, fault })}`;
      return tryFaults(ground, { challenge, faults: [fault], replay });
    });
    const failures = results.flatMap(({ failure }) => failure ?? []);
    console.log([`kill matrix ${cases.length - failures.length}/${cases.length}`, ...failures].join('\n'));
    expect(failures).toEqual([]);
  });
});

describe('a renewal that replaces nothing the CA knows of', () => {
  let ground: TrialGround;
  beforeAll(async () => {
    ground = createTrialGround(await startIssueWorld({ renewalInfo: false }));
  });
  afterAll(() => ground.world.stop());

  it('pays for each newOrder that the CA counts, also where it answers with the same order', async () => {
    const faults = everyFault.filter(({ row }) => row === 'reserve-limits' || row === 'place-order');
    const results = await mapBounded(faults, atOnce, (fault) =>
      tryFaults(ground, { challenge: 'http-01', faults: [fault], replay: describeFault(fault) }),
    );
    const failures = results.flatMap(({ failure }) => failure ?? []);
    console.log([`without ARI ${faults.length - failures.length}/${faults.length}`, ...failures].join('\n'));
    expect(failures).toEqual([]);
  });
});

const recipeOf = ({ challenge, fault }: { challenge: ChallengeType; fault: Fault }): string =>
  `${describeFault(fault)}/${challenge}`;
