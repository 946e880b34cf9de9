import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Renewal, type StepName, stepNames } from '../../shared/renewal/renewal.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import type { RenewalStore } from '../../shared/renewal/store.ts';
import { transitions } from '../../shared/renewal/transitions.ts';
import type { RunResult } from '../../shared/renewal/worker.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';
import { hurriedClock as clock, createIssueScene, issueStepsOf } from '../support/issue-scene.ts';
import { startIssueWorld } from '../support/issue-world.ts';

let world: Awaited<ReturnType<typeof startIssueWorld>>;
beforeAll(async () => {
  world = await startIssueWorld();
});
afterAll(() => world.stop());

let runs = 0;

/** A worker's world for one certificate. */
function createScene(name: string) {
  const scene = createIssueScene({ world });
  const policy = aPolicy({ domains: [name] });
  const work = { certificateName: name, generation: 1, runId: 'run-1' };
  return {
    ...scene,
    work,
    async open() {
      await scene.certificates.track({ name, policy, now: clock.now() });
      await scene.renewals.open(aRenewal({ certificateName: name, policy }));
    },
    async run(renewals: RenewalStore = scene.renewals): Promise<RunResult> {
      const deadline = startDeadline(systemClock, 60_000);
      const ports = { ...scene.runner, renewals };
      try {
        return await runRenewal({ work, ...issueStepsOf(scene), owner: `worker ${++runs}`, deadline, ports });
      } finally {
        deadline.stop();
      }
    },
  };
}

/** A store whose worker dies when the step after `step` would be stored: the effect is there, its record is not. */
const dyingAfter = (step: StepName, store: RenewalStore): RenewalStore => {
  const die = async (renewal: { step: StepName }, write: () => Promise<void>) => {
    if (stepNames.indexOf(renewal.step) > stepNames.indexOf(step)) throw new Error('killed');
    await write();
  };
  return {
    ...store,
    save: (renewal) => die(renewal, () => store.save(renewal)),
    release: (renewal) => die(renewal, () => store.release(renewal)),
  };
};

/** Leaves a renewal in a state that no crash of this program brings about. */
async function leaveAs(
  { renewals, work }: ReturnType<typeof createScene>,
  state: Partial<Renewal>,
): Promise<void> {
  await renewals.breakLease(work, clock.now());
  const lease = { owner: 'hand', now: clock.now(), until: new Date(clock.now().getTime() + 60_000) };
  const claimed = await renewals.claim(work, lease);
  if (!claimed) throw new Error('not claimed');
  await renewals.release({ ...claimed, ...state });
}

const issuingSteps = stepNames.filter((step) => transitions[step].worker === 'renew-certificate');

describe('a renewal whose worker died', () => {
  it.each(issuingSteps)(
    'after the effect of %s is completed by the next, with one order and one certificate',
    async (step) => {
      const name = `${step}.example.com`;
      const scene = createScene(name);
      await scene.open();
      await expect(scene.run(dyingAfter(step, scene.renewals))).rejects.toThrow('killed');
      const staged = await scene.vault.readStagedKey({ name, generation: 1 });
      await scene.renewals.breakLease(scene.work, clock.now());

      expect(await scene.run()).toEqual({ kind: 'handed-over', to: 'deploy-certificate' });

      expect(world.ca.ledger.orders.filter(({ names }) => names.includes(name))).toHaveLength(1);
      const issued = world.ca.ledger.issued.filter(({ names }) => names.includes(name));
      expect(issued).toHaveLength(1);
      const pair = await scene.vault.readCurrent(name);
      expect(pair?.privateKeyPem).toBe(staged?.privateKeyPem);
      expect(new X509Certificate(pair?.fullchainPem ?? '').serialNumber.toLowerCase()).toBe(
        issued[0]?.serial,
      );
      expect((await scene.certificates.get(name))?.current).toMatchObject({
        generation: 1,
        serial: issued[0]?.serial,
      });
      expect((await scene.renewals.get(scene.work))?.challenges).toEqual([]);
    },
  );
});

describe('a renewal', () => {
  it('answers again what the CA was never told, or has lost', async () => {
    const scene = createScene('lost.example.com');
    await scene.open();
    await expect(scene.run(dyingAfter('present-challenges', scene.renewals))).rejects.toThrow('killed');
    await leaveAs(scene, { step: 'await-validation' });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
  });

  it('places a new order when the CA has forgotten an authorization of the old one', async () => {
    const scene = createScene('expired.example.com');
    await scene.open();
    await expect(scene.run(dyingAfter('place-order', scene.renewals))).rejects.toThrow('killed');
    const accountUrl = (await scene.accounts.read(world.directoryUrl))?.accountUrl ?? '';
    const gone = (path: string) => new URL(`/acme/${path}/gone`, world.directoryUrl).href;
    const order = {
      url: gone('order'),
      accountUrl,
      finalizeUrl: gone('finalize'),
      authorizationUrls: [gone('authz')],
    };
    await leaveAs(scene, { step: 'select-challenges', order });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    expect((await scene.renewals.get(scene.work))?.attempts).toBe(0);
  });

  it('neither shows nor answers a proof of an earlier order that would not go', async () => {
    const scene = createScene('leftover.example.com');
    await scene.open();
    const leftover = {
      type: 'dns-01' as const,
      domain: 'leftover.example.com',
      token: 't',
      keyAuthorization: 't.k',
      orderUrl: 'https://ca/earlier',
      challengeUrl: 'https://ca/earlier/challenge',
    };
    await leaveAs(scene, { challenges: [leftover] });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    const { challenges, warnings } = (await scene.renewals.get(scene.work)) ?? aRenewal();
    expect(challenges).toEqual([leftover]);
    expect(warnings.join()).toContain('the dns-01 proof of leftover.example.com remains');
  });

  it('registers its account again when the CA has forgotten it, and goes on', async () => {
    const scene = createScene('forgotten.example.com');
    await scene.open();
    const accountUrl = new URL('/acme/acct/unknown', world.directoryUrl).href;
    const key = createScene('other.example.com');
    await key.open();
    await key.run();
    const known = await key.accounts.read(world.directoryUrl);
    await scene.accounts.create(world.directoryUrl, {
      privateKeyPem: known?.privateKeyPem ?? '',
      accountUrl,
    });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    expect((await scene.accounts.read(world.directoryUrl))?.accountUrl).toBe(known?.accountUrl);
  });

  it('goes on above a pair in the vault that is newer than its table', async () => {
    const name = 'restored.example.com';
    const scene = createScene(name);
    await scene.open();
    await scene.vault.promote(name, { generation: 3, privateKeyPem: 'key', fullchainPem: 'chain' });
    expect(await scene.run()).toEqual({ kind: 'ended', outcome: 'abandoned' });
    const certificate = await scene.certificates.get(name);
    expect(certificate).toMatchObject({ generation: 3 });
    expect(certificate?.nextActionAt.getTime()).toBeLessThanOrEqual(clock.now().getTime());
    expect(world.ca.ledger.orders.filter(({ names }) => names.includes(name))).toEqual([]);
  });

  it('tells why the CA could not validate, name by name', async () => {
    const scene = createScene('wrong.example.com');
    await scene.open();
    const { answers } = world;
    const { put } = answers;
    answers.put = (answer) => put({ ...answer, keyAuthorization: `${answer.keyAuthorization}x` });
    const result = await scene.run();
    answers.put = put;
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'validation-failed' } });
    expect(result.kind === 'failed' && result.failure.message).toMatch(
      /wrong\.example\.com is invalid \(http-01: .*unauthorized/,
    );
    expect(await scene.renewals.get(scene.work)).toMatchObject({
      step: 'choose-ca',
      attempts: 1,
      challenges: [],
    });
  });

  it('costs seven requests beside directory, account and nonces, refused nonces not counted', async () => {
    const resources = ['newOrder', 'authorization', 'challenge', 'order', 'finalize', 'certificate'];
    const count = () =>
      resources.reduce((sum, resource) => sum + (world.ca.ledger.requests[resource] ?? 0), 0);
    const refused = () => world.ca.ledger.problems.badNonce ?? 0;
    const before = { requests: count(), refused: refused() };
    const scene = createScene('counted.example.com');
    await scene.open();
    await scene.run();
    expect(count() - before.requests).toBeLessThanOrEqual(7 + refused() - before.refused);
  });
});
