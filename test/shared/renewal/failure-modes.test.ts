import { X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { aPolicy } from '../../support/builders.ts';
import { workers } from '../../support/fleet-scene.ts';
import { renewUnderFaults } from '../../support/trial.ts';
import {
  begin,
  ground,
  open,
  ordersOf,
  renew,
  renewAtCa,
  renewWith,
  second,
  stored,
  trial,
  useFailureScene,
} from './failure-scene.ts';

// Failures that others had in public (F1, F2, …), each with what keeps this program from repeating it.
useFailureScene();

describe('finalize', () => {
  it('F1: whose answer was lost is looked up at the order, not sent again', async () => {
    expect(await renewWith('finalize-order', 'after-effect', 'lost-response')).toEqual([]);
  });

  it('F1: that is refused as not ready is looked up at the order before it is sent again', async () => {
    const act = { status: 403, problemType: 'orderNotReady' };
    expect((await renewAtCa({ resource: 'finalize', act })).violations).toEqual([]);
  });

  it('F9: that leaves the order processing is waited for across invocations, without a second order', async () => {
    await begin();
    const act = { issueAfterMillis: 2500 };
    const handle = ground.world.ca.faults.add({ resource: 'finalize', act, names: trial.names[1] });
    await open();
    expect(await renew()).toMatchObject({ kind: 'waiting', reason: 'the CA is issuing' });
    expect(await stored()).toMatchObject({ order: { url: ordersOf(trial.names[1])[0]?.url } });
    handle.remove();
    const convergence = await renewUnderFaults(ground, trial, []);
    expect(ordersOf(trial.names[1])).toHaveLength(1);
    expect(convergence.converged).toBe(true);
  });

  it('F7: that is answered with a certificate for another key changes nothing that is in service', async () => {
    await begin();
    ground.world.ca.faults.add({ resource: 'finalize', act: 'wrong-key', names: trial.names[1] });
    await open();
    expect(await renew()).toMatchObject({ kind: 'failed', failure: { code: 'issued-chain-wrong' } });
    expect(await trial.scene.vault.readCurrent(trial.name)).toMatchObject({ generation: 1 });
    expect((await trial.scene.certificates.get(trial.name))?.current).toMatchObject({ generation: 1 });
    expect(await trial.scene.servedSerial(trial.name)).toBeDefined();
  });
});

describe('`replaces`', () => {
  const refuse = async (act: { status: number; problemType: string }) => {
    const { violations } = await renewAtCa({ resource: 'newOrder', act });
    expect(await stored()).toMatchObject({ replacesRefused: act.problemType, outcome: 'renewed' });
    return violations;
  };

  it.each([
    { status: 404, problemType: 'malformed' },
    { status: 403, problemType: 'unauthorized' },
  ])('F12: refused as $problemType is left out, and the certificate renewed', async (act) => {
    expect(await refuse(act)).toEqual([]);
  });

  it.each([
    { status: 409, problemType: 'alreadyReplaced' },
    { status: 409, problemType: 'conflict' },
  ])('F12: refused as $problemType may mean an order of its own, which stays counted', async (act) => {
    expect(await refuse(act)).toEqual(['3 tokens of orders are charged for 2 that the CA counts']);
  });
});

describe('a due certificate', () => {
  it('F2: is ordered once in 24 minutes of ticks, each coming three times, and of messages coming twice', async () => {
    await begin();
    for (let minute = 0; minute < 24; minute++) {
      await Promise.all([1, 2, 3].map(() => trial.scene.tick('r')));
      const sent = workers.flatMap((worker) =>
        trial.scene.queue.take(worker).map((work) => ({ worker, work })),
      );
      await Promise.all([...sent, ...sent].map(({ worker, work }) => trial.scene.deliver(worker, work)));
      trial.scene.clock.advance(60);
    }
    expect(await stored()).toMatchObject({ outcome: 'renewed' });
    expect(ordersOf(trial.names[1])).toHaveLength(1);
    expect(await trial.scene.renewals.get({ ...second(), generation: 3 })).toBeUndefined();
  });

  it('F3: that somebody else has overwritten at its target is not issued again', async () => {
    await begin();
    await renewUnderFaults(ground, trial, []);
    await rm(trial.directory, { recursive: true });
    for (let hour = 0; hour < 24; hour++) {
      trial.scene.clock.advance(3600);
      await trial.scene.tick('r');
      expect(trial.scene.queue.take('renew-certificate')).toEqual([]);
    }
    expect(ordersOf(trial.names[1])).toHaveLength(1);
  });

  it('F4: is dated by its leaf, not by its order', async () => {
    await begin();
    await renewUnderFaults(ground, trial, []);
    const pair = await trial.scene.vault.readCurrent(trial.name);
    const leaf = new X509Certificate(pair?.fullchainPem ?? '');
    expect((await trial.scene.certificates.get(trial.name))?.current).toMatchObject({
      notBefore: leaf.validFromDate,
      notAfter: leaf.validToDate,
    });
  });

  it('F6: keeps its pair in the vault and in service while its renewal fails', async () => {
    await begin();
    const before = await trial.scene.vault.readCurrent(trial.name);
    const served = await trial.scene.servedSerial(trial.name);
    ground.world.ca.faults.add({ resource: 'finalize', act: 'fail-issuance', names: trial.names[1] });
    await open();
    expect(await renew()).toMatchObject({ kind: 'failed', failure: { code: 'order-invalid' } });
    expect(await trial.scene.vault.readCurrent(trial.name)).toEqual(before);
    expect(await trial.scene.servedSerial(trial.name)).toBe(served);
  });

  it.each([-24, 24])('F25: is issued once by a worker whose clock is %i hours off', async (hours) => {
    await begin();
    const { clock, certificates, queue, tick } = trial.scene;
    clock.advance(hours * 3600);
    const { policy } = (await certificates.get(trial.name)) ?? { policy: aPolicy() };
    await certificates.changePolicy({ name: trial.name, policy, now: clock.now() });
    await open();
    expect(await renew()).toMatchObject({ kind: 'handed-over' });
    await tick('r');
    clock.advance(-hours * 3600);
    await tick('r');
    expect(queue.take('renew-certificate')).toEqual([]);
    expect(ordersOf(trial.names[1])).toHaveLength(1);
  });
});
