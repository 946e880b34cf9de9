import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault, FaultHandle } from '../../../local/ca/faults.ts';
import { ordersKey, setKey } from '../../../shared/limits/bucket-keys.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { deploymentAccount } from '../../../shared/renewal/authorities.ts';
import { findFailoverReason } from '../../../shared/renewal/recovery.ts';
import type { OpenChallenge } from '../../../shared/renewal/renewal.ts';
import type { Presenters } from '../../../shared/renewal/steps/issue-step.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aRenewal, noon } from '../../support/builders.ts';
import { startIssueWorld } from '../../support/issue-world.ts';
import { createOrderScene, type OrderWorld } from './order-scene.ts';
import { createScene } from './runner-scene.ts';

let world: OrderWorld;
let scene: ReturnType<typeof createOrderScene>;
let fault: FaultHandle | undefined;

beforeAll(async () => {
  world = await startIssueWorld({ badNonceRate: 0 });
});
afterAll(() => world.stop());
beforeEach(() => {
  scene = createOrderScene(world, publishedLimits('lets-encrypt'));
});
afterEach(() => fault?.remove());

const add = (added: Fault) => {
  fault = world.ca.faults.add(added);
};
const read = async (key: string) => (await scene.buckets.read([key])).get(key);
const failure = (code: string) => new Failure({ code, disposition: 'give-up', message: `it is ${code}` });

describe('what the CA has counted stays counted', () => {
  it('when what it issued cannot be used', async () => {
    add({ resource: 'finalize', act: 'wrong-key' });
    const work = await scene.open();
    const result = await scene.run(work);
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'issued-chain-wrong' } });
    const set = await read(setKey(world.directoryUrl, [work.certificateName]));
    expect(set?.holds).toEqual({});
    expect(set?.tat).toBeDefined();
  });

  it('when the answer to newOrder was lost and the renewal ends', async () => {
    add({ resource: 'newOrder', act: 'drop-after' });
    const work = await scene.open();
    expect(await scene.run(work)).toMatchObject({ kind: 'failed', failure: { code: 'ca-unreachable' } });
    await scene.certificates.retire(work.certificateName);
    expect(await scene.run(work)).toMatchObject({ kind: 'ended', outcome: 'abandoned' });
    expect((await read(ordersKey(world.directoryUrl, deploymentAccount)))?.spends).toHaveLength(1);
  });

  it('when the CA has forgotten an order that may have issued', async () => {
    const work = await scene.open();
    const gone = failure('order-missing');
    await scene.run(work, { steps: { 'await-issuance': () => Promise.reject(gone) } });
    const set = await read(setKey(world.directoryUrl, [work.certificateName]));
    expect(set?.tat).toBeDefined();
  });
});

describe('an order that may issue', () => {
  it.each(['acme-userActionRequired', 'external-account-missing', 'acme-externalAccountRequired'])(
    'is not left for another CA when its account meets %s',
    (code) => {
      const reasonAt = (step: 'place-order' | 'finalize-order' | 'await-issuance') =>
        findFailoverReason(aRenewal({ step }), failure(code));
      expect(reasonAt('finalize-order')).toBeUndefined();
      expect(reasonAt('await-issuance')).toBeUndefined();
      expect(reasonAt('place-order')).toBeDefined();
    },
  );

  it('is left when finalize itself was refused', () => {
    const renewal = aRenewal({ step: 'finalize-order' });
    expect(findFailoverReason(renewal, failure('acme-caa'))).toBeDefined();
  });

  it('is not asked for before its Retry-After, though that is overdue', async () => {
    const { run, clock, follow } = await createScene();
    const wait = follow('await-issuance', async () => ({ kind: 'wait', seconds: 7200, reason: 'it issues' }));
    const steps = [follow('choose-ca', async () => ({ kind: 'done', next: 'await-issuance' })), wait];
    await run(steps);
    clock.advance(7_300_000);
    const result = await run(steps);
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'step-overdue' } });
    if (result.kind === 'failed')
      expect(result.retryAt?.getTime()).toBeGreaterThanOrEqual(clock.now().getTime() + 7_200_000);
  });
});

describe('a challenge that was answered', () => {
  it('by a worker that vanished, before one that only waited, is not answered again', async () => {
    const work = await scene.open();
    const until = noon;
    await scene.run(work, {
      steps: {
        // As it stands after somebody who took over had to wait for the zone.
        'await-validation': async () => ({
          kind: 'rest',
          until,
          reason: 'a wait',
          next: 'await-propagation',
        }),
      },
    });
    const { url } = (await scene.renewals.get(work))?.order ?? {};
    const order = () => world.ca.ledger.orders.find((each) => each.url === url);
    await vi.waitFor(() => expect(order()?.status).toBe('ready'));
    expect(await scene.run(work)).toMatchObject({ kind: 'handed-over' });
  });
});

describe('proofs that will not go', () => {
  const stubborn = async (own: Presenters): Promise<Presenters> => ({
    ...own,
    'http-01': { ...own['http-01'], withdraw: () => Promise.reject(failure('not-allowed')) },
  });
  const anOldProof = (index: number): OpenChallenge => ({
    type: 'http-01',
    domain: `old-${index}.example.com`,
    token: `token-${index}`,
    keyAuthorization: `token-${index}.thumbprint`,
    orderUrl: 'https://ca.test/order/1',
    challengeUrl: `https://ca.test/challenge/${index}`,
  });

  it('leave an item that can be stored, however many there are', async () => {
    const challenges = Array.from({ length: 1000 }, (_, index) => anOldProof(index));
    const work = await scene.open({ renewal: { challenges } });
    expect(await scene.run(work, { presenters: stubborn })).toMatchObject({ kind: 'handed-over' });
    const stored = await scene.renewals.get(work);
    expect(stored?.warnings.length).toBeLessThanOrEqual(50);
    expect(JSON.stringify(stored).length).toBeLessThan(200_000);
  });

  it('hold back no certificate, not even where their provider cannot be opened any more', async () => {
    const work = await scene.open();
    let opened = 0;
    const presenters = (own: Presenters) =>
      ++opened > 2 ? Promise.reject(failure('vault-unavailable')) : Promise.resolve(own);
    expect(await scene.run(work, { presenters })).toMatchObject({ kind: 'handed-over' });
    expect(opened).toBeGreaterThan(2);
    expect((await scene.renewals.get(work))?.warnings.join()).toMatch(/proof of .* remains/);
  });
});
