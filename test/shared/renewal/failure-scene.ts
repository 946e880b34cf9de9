import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Fault as CaFault } from '../../../local/ca/faults.ts';
import type { Mode, Point, Row } from '../../support/faults.ts';
import { findViolations } from '../../support/invariants.ts';
import { startIssueWorld } from '../../support/issue-world.ts';
import {
  createTrialGround,
  prepareTrial,
  renewUnderFaults,
  type Trial,
  type TrialGround,
} from '../../support/trial.ts';

export let ground: TrialGround;
/** The certificate of the test that runs. */
export let trial: Trial;

/** One CA for a file, one certificate for each of its tests: issued, served, and due again for more names. */
export function useFailureScene(): void {
  beforeAll(async () => {
    ground = createTrialGround(await startIssueWorld({ badNonceRate: 0.1 }));
  });
  afterAll(() => ground.world.stop());
  afterEach(() => trial.scene.stop());
}

export const begin = async (): Promise<Trial> => {
  trial = await prepareTrial(ground, { name: `f${++ground.trials.count}.test`, challenge: 'http-01' });
  return trial;
};
/** Renews while one fault strikes, and says what did not hold afterwards. */
export const renewWith = async (row: Row, point: Point, mode: Mode) => {
  const convergence = await renewUnderFaults(ground, await begin(), [{ row, point, mode }]);
  expect(convergence.saboteur.struck).toHaveLength(1);
  return findViolations(ground.world, trial, convergence);
};
/** Renews while the CA does `act` to this certificate. */
export const renewAtCa = async (fault: Omit<CaFault, 'names'>) => {
  await begin();
  const handle = ground.world.ca.faults.add({ ...fault, names: trial.names[1] });
  const convergence = await renewUnderFaults(ground, trial, []);
  handle.remove();
  expect(handle.hits).toBeGreaterThan(0);
  return { convergence, violations: await findViolations(ground.world, trial, convergence) };
};
export const second = () => ({ certificateName: trial.name, generation: 2 });
export const stored = () => trial.scene.renewals.get(second());
export const ordersOf = (names: readonly string[]) =>
  ground.world.ca.ledger.orders.filter((order) => order.names.join() === [...names].sort().join());
export const renew = () => trial.scene.deliver('renew-certificate', { ...second(), runId: 'r' });
export const open = async () => {
  await trial.scene.tick('r');
  expect(trial.scene.queue.take('renew-certificate')).toHaveLength(1);
};
