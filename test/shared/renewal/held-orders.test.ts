import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault, FaultHandle } from '../../../local/ca/faults.ts';
import { findAuthority } from '../../../shared/acme/catalogue.ts';
import { ordersKey, setKey } from '../../../shared/limits/bucket-keys.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { deploymentAccount } from '../../../shared/renewal/authorities.ts';
import { findFailoverReason } from '../../../shared/renewal/recovery.ts';
import type { OpenChallenge } from '../../../shared/renewal/renewal.ts';
import { type Presenters, toDemand } from '../../../shared/renewal/steps/issue-step.ts';
import { reserveLimits } from '../../../shared/renewal/steps/reserve.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aRenewal, daysAfter, noon } from '../../support/builders.ts';
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

describe('what a renewal holds at a CA', () => {
  it('is given back when its limit sends the renewal to another one', async () => {
    const { issue } = scene;
    const leased = { owner: 'a', until: noon, fence: 1, takenOver: false };
    const ca = { directoryUrl: world.directoryUrl, rehearsal: false };
    const renewal = { ...aRenewal({ step: 'reserve-limits', ca, reservedAs: 'none' }), lease: leased };
    await issue.limiter.reserve(toDemand(renewal));
    const { signal } = new AbortController();
    const context = { renewal, resumed: true, polls: 0, signal, ensureTime: () => undefined };
    const bucket = ordersKey(world.directoryUrl, deploymentAccount);
    const freeAt = daysAfter(issue.clock.now(), 2);
    const preferred = [...issue.authorities.preferred, findAuthority('zerossl')];
    const ports = {
      ...issue,
      authorities: { ...issue.authorities, preferred },
      limiter: { ...issue.limiter, reserve: async () => ({ kind: 'denied', bucket, freeAt }) as const },
    };
    expect(await reserveLimits(context, ports, {})).toMatchObject({ kind: 'done', next: 'choose-ca' });
    expect((await read(setKey(world.directoryUrl, renewal.policy.domains)))?.holds).toEqual({});
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

describe('a step that has failed', () => {
  it('may wait again when it is tried again, however long ago it began', async () => {
    const { run, clock, follow } = await createScene();
    const start = follow('choose-ca', async () => ({ kind: 'done', next: 'await-propagation' }));
    await run([start, follow('await-propagation', () => Promise.reject(failure('dns-unreachable')))]);
    clock.advance(2 * 86_400_000);
    const wait = { kind: 'wait', seconds: 3, reason: 'a server is late' } as const;
    const late = follow('await-propagation', async ({ polls }) =>
      polls === 0 ? wait : { kind: 'done', next: 'deploy' },
    );
    expect(await run([late])).toMatchObject({ kind: 'handed-over' });
  });

  it('is told of where the CA takes finalize and does nothing', async () => {
    const order = { status: 'ready', identifiers: [], authorizations: [], finalize: 'https://ca.test/f' };
    const body = JSON.stringify(order);
    add({ resource: 'finalize', times: 100, act: { status: 200, body } });
    const work = await scene.open();
    expect(await scene.run(work)).toMatchObject({ kind: 'failed', failure: { code: 'finalize-ignored' } });
    fault?.remove();
    expect(await scene.run(work)).toMatchObject({ kind: 'handed-over' });
    expect((await scene.renewals.get(work))?.attempts).toBe(0);
  });
});

describe('a CA that refuses a certificate', () => {
  it.each([
    'acme-paused',
    'acme-rejectedIdentifier',
    'acme-unsupportedIdentifier',
    'acme-invalidProfile',
    'acme-badPublicKey',
    'challenge-not-offered',
  ])('for %s is asked again in a day, should nobody be left to ask', (code) => {
    const reason = findFailoverReason(aRenewal({ step: 'place-order' }), failure(code));
    expect(reason?.seconds).toBeLessThanOrEqual(86_400);
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
    // As CAs may answer where nothing is pending any more (RFC 8555, 7.5.1).
    add({ resource: 'challenge', act: { status: 400, problemType: 'malformed' } });
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
