import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AcmeCa } from '../../local/ca/ca.ts';
import { connectWithoutAccount } from '../../shared/acme/connection.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import { refreshRenewalInfo } from '../../shared/renewal/refresh-renewal-info.ts';
import { createSessionFinder } from '../../shared/renewal/refresh-sessions.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { aPolicy } from '../support/builders.ts';
import { hurriedClock as clock, createIssueScene, issueStepsOf } from '../support/issue-scene.ts';
import { type IssueWorld, startIssueWorld } from '../support/issue-world.ts';

let world: IssueWorld & { readonly ca: AcmeCa };
beforeAll(async () => {
  world = await startIssueWorld();
});
afterAll(() => world.stop());

const name = 'announced.example.com';

/** One deployment's functions, called by hand. */
function createDeployment() {
  const scene = createIssueScene({ world });
  const { refreshQueue } = scene.schedule as { refreshQueue: { take(): string[][] } } & typeof scene.schedule;
  const open = () =>
    connectWithoutAccount({
      directoryUrl: world.directoryUrl,
      transport: createTransport({ roots: world.rootPem }),
      clock,
    });
  const sessionFor = createSessionFinder(scene.issue.authorities, open);
  return {
    scene,
    tick: () => scheduleRenewals({ runId: 'run', tickSeconds: 60, limitPerShard: 100 }, scene.schedule),
    takePolls: () => refreshQueue.take().flat(),
    refresh: (names: readonly string[]) =>
      refreshRenewalInfo(
        names,
        { certificates: scene.certificates, sessionFor, clock, random: () => 0.5 },
        AbortSignal.timeout(10_000),
      ),
    async work() {
      for (const work of scene.queue.take('renew-certificate')) {
        const deadline = startDeadline(clock, 1_200_000);
        const steps = issueStepsOf(scene);
        await runRenewal({ work, owner: 'worker', deadline, ports: scene.runner, ...steps });
        deadline.stop();
      }
    },
    certificate: () => scene.certificates.get(name),
  };
}

it('a window that the CA moves brings the renewal forward, as the replacement of the certificate', async () => {
  const { scene, tick, takePolls, refresh, work, certificate } = createDeployment();
  await scene.certificates.track({ name, policy: aPolicy({ domains: [name] }), now: clock.now() });
  await tick();
  await work();
  const first = (await certificate())?.current;
  const [issued] = world.ca.ledger.issued;
  expect(first).toMatchObject({ generation: 1, serial: issued?.serial });

  // The first tick after the issuance asks the CA, and nothing is due by its answer.
  expect(await tick()).toMatchObject({ opened: [], polls: 1 });
  expect(await refresh(takePolls())).toMatchObject({ refreshed: [name], failed: [] });
  const { advice } = (await certificate()) ?? {};
  expect(advice?.certificateId).toBe(first?.issuedBy?.certificateId);
  expect(advice?.renewAt?.getTime()).toBeGreaterThan(clock.now().getTime());
  expect(await tick()).toMatchObject({ opened: [], polls: 0 });

  const window = { start: secondsAfter(clock.now(), -3600), end: secondsAfter(clock.now(), 1800) };
  world.ca.moveRenewalWindow([name], window, 'https://status.example.org/incident');
  const read = await certificate();
  if (!read?.advice) throw new Error('no advice');
  // Six hours later, as far as the certificate's record is concerned.
  const due = { ...read.advice, nextPollAt: clock.now() };
  await scene.certificates.recordAdvice({ read, advice: due, nextActionAt: clock.now() });
  await tick();
  const refreshed = await refresh(takePolls());
  expect(refreshed).toMatchObject({ moved: [name] });
  expect((await certificate())?.advice?.explanationUrl).toBe('https://status.example.org/incident');

  expect(await tick()).toMatchObject({ opened: [name] });
  expect(await scene.renewals.get({ certificateName: name, generation: 2 })).toMatchObject({
    reason: { code: 'announced' },
  });
  await work();
  expect((await certificate())?.current).toMatchObject({ generation: 2 });
  expect((await certificate())?.advice).toBeUndefined();
  const replacing = world.ca.ledger.orders.filter(({ replaces }) => replaces !== undefined);
  expect(replacing.map(({ replaces }) => replaces)).toEqual([first?.issuedBy?.certificateId]);
  expect(await scene.renewals.get({ certificateName: name, generation: 2 })).toMatchObject({
    reservedAs: 'ari',
  });
});
