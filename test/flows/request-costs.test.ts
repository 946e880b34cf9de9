import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AcmeCa } from '../../local/ca/ca.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';
import { hurriedClock as clock, createIssueScene, issueStepsOf } from '../support/issue-scene.ts';
import { type IssueWorld, startIssueWorld } from '../support/issue-world.ts';

let world: IssueWorld & { readonly ca: AcmeCa };
let scene: ReturnType<typeof createIssueScene>;

beforeAll(async () => {
  // What a CA refuses by chance is no cost of ours; asynchronous finalize is.
  world = await startIssueWorld({ badNonceRate: 0, finalizeMillis: 20 });
  scene = createIssueScene({ world, clock });
  // Directory, account and first nonces; and how long this CA takes.
  for (let index = 0; index < 30; index++) await renew([`warm-${index}.example.com`]);
});
afterAll(() => world.stop());

const countRequests = () => Object.values(world.ca.ledger.requests).reduce((sum, count) => sum + count, 0);

async function renew(domains: readonly string[], generation = 1): Promise<void> {
  const certificateName = domains[0] ?? '';
  const policy = aPolicy({ domains });
  await scene.certificates.track({ name: certificateName, policy, now: clock.now() });
  const reason = { code: 'forced', message: 'to be counted' } as const;
  await scene.renewals.open(aRenewal({ certificateName, generation, policy, reason }));
  const deadline = startDeadline(clock, 1_200_000);
  const work = { certificateName, generation, runId: 'run' };
  const steps = issueStepsOf(scene);
  expect(await runRenewal({ work, owner: 'worker', deadline, ports: scene.runner, ...steps })).toMatchObject({
    kind: 'handed-over',
  });
  deadline.stop();
}

/** Requests of every kind, nonces and looks that came too early included, on average over 20 certificates. */
async function averageRequests(namesEach: number, prefix: string): Promise<number> {
  const before = countRequests();
  for (let index = 0; index < 20; index++) {
    const names = Array.from({ length: namesEach }, (_, host) => `${prefix}-${host}.d${index}.example.net`);
    await renew(names);
  }
  return (countRequests() - before) / 20;
}

describe('a certificate in steady state costs', () => {
  it('at most 7.0 requests for a fresh name', async () => {
    expect(await averageRequests(1, 'one')).toBeLessThanOrEqual(7);
  });

  it.each([2, 5, 10])('at most 2k + 5 requests for %i fresh names', async (names) => {
    expect(await averageRequests(names, `k${names}`)).toBeLessThanOrEqual(2 * names + 5);
  });

  it('at most 4 requests where the name is proven already', async () => {
    await renew(['proven.example.com']);
    const before = countRequests();
    for (let generation = 2; generation <= 11; generation++) await renew(['proven.example.com'], generation);
    expect((countRequests() - before) / 10).toBeLessThanOrEqual(4);
  });
});
