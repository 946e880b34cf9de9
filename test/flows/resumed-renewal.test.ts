import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeCa, startAcmeCa } from '../../local/ca/ca.ts';
import { type HttpEndpoint, startHttpEndpoint } from '../../local/endpoints/http.ts';
import { createAccountConnector } from '../../shared/acme/account.ts';
import { createMemoryAccountStore } from '../../shared/acme/accounts.memory.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import { createMemoryKeyVault } from '../../shared/certificates/vault.memory.ts';
import { createMemoryAnswerStore } from '../../shared/challenges/answers.memory.ts';
import { answerHttpChallenge } from '../../shared/challenges/http-01.ts';
import { createChallengePresenters } from '../../shared/challenges/presenters.ts';
import { type Renewal, type StepName, stepNames } from '../../shared/renewal/renewal.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import type { RenewalStore } from '../../shared/renewal/store.ts';
import { transitions } from '../../shared/renewal/transitions.ts';
import { createMemoryWorkQueue } from '../../shared/renewal/work-queue.memory.ts';
import type { RunResult } from '../../shared/renewal/worker.ts';
import { createMemoryRunStore } from '../../shared/report/runs.memory.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';

/** Real time, so that the CA and its clients agree, with the waits between polls cut short. */
const clock: Clock = { ...systemClock, sleep: (millis, signal) => systemClock.sleep(millis / 20, signal) };

let ca: AcmeCa;
let http: HttpEndpoint;
const answers = createMemoryAnswerStore();

beforeAll(async () => {
  http = await startHttpEndpoint({
    handler: async ({ path }) => {
      const answer = await answerHttpChallenge(path, answers);
      return answer.outcome === 'found'
        ? { status: 200, headers: {}, body: answer.keyAuthorization }
        : { status: 404, headers: {}, body: '' };
    },
  });
  ca = await startAcmeCa({
    httpPort: () => http.port,
    tlsPort: () => 1,
    dnsServer: () => ({ host: '127.0.0.1', port: 1 }),
    finalizeMillis: 20,
    badNonceRate: 0.2,
  });
});
afterAll(() => Promise.all([ca.stop(), http.stop()]));

let runs = 0;

/** A worker's world for one certificate; `crash` wraps the store to end the worker where it wants. */
function createScene(name: string) {
  const account = {
    directoryUrl: ca.directoryUrl,
    contacts: [],
    transport: createTransport({ roots: ca.rootPem }),
    accounts: createMemoryAccountStore(),
    clock,
  };
  const policy = aPolicy({ domains: [name] });
  const renewals = createMemoryRenewalStore();
  const certificates = createMemoryCertificateStore();
  const vault = createMemoryKeyVault();
  const connect = createAccountConnector(account);
  const presenters = createChallengePresenters({
    answers,
    clock,
    dns: { providers: () => neverAsked(), propagation: { findServers: neverAsked, check: neverAsked } },
  });
  const work = { certificateName: name, generation: 1, runId: 'run-1' };
  return {
    vault,
    certificates,
    renewals,
    accounts: account.accounts,
    work,
    async open() {
      await certificates.track({ name, policy, now: clock.now() });
      await renewals.open(aRenewal({ certificateName: name, policy }));
    },
    async run(store: RenewalStore = renewals): Promise<RunResult> {
      const deadline = startDeadline(systemClock, 60_000);
      const issuePorts = { ca: connect, certificates, vault, presenters: async () => presenters, clock };
      try {
        return await runRenewal({
          work,
          ...createIssueSteps(issuePorts),
          owner: `worker ${++runs}`,
          deadline,
          ports: {
            certificates,
            renewals: store,
            runs: createMemoryRunStore(),
            queue: createMemoryWorkQueue(),
            clock,
            random: () => 0.5,
          },
        });
      } finally {
        deadline.stop();
      }
    },
  };
}

function neverAsked(): never {
  throw new Error('http-01 needs no DNS');
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

      expect(ca.ledger.orders.filter(({ names }) => names.includes(name))).toHaveLength(1);
      const issued = ca.ledger.issued.filter(({ names }) => names.includes(name));
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
    const accountUrl = (await scene.accounts.read(ca.directoryUrl))?.accountUrl ?? '';
    const gone = (path: string) => new URL(`/acme/${path}/gone`, ca.directoryUrl).href;
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
    const accountUrl = new URL('/acme/acct/unknown', ca.directoryUrl).href;
    const key = createScene('other.example.com');
    await key.open();
    await key.run();
    const known = await key.accounts.read(ca.directoryUrl);
    await scene.accounts.create(ca.directoryUrl, { privateKeyPem: known?.privateKeyPem ?? '', accountUrl });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    expect((await scene.accounts.read(ca.directoryUrl))?.accountUrl).toBe(known?.accountUrl);
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
    expect(ca.ledger.orders.filter(({ names }) => names.includes(name))).toEqual([]);
  });

  it('tells why the CA could not validate, name by name', async () => {
    const scene = createScene('wrong.example.com');
    await scene.open();
    const { put } = answers;
    answers.put = (answer) => put({ ...answer, keyAuthorization: `${answer.keyAuthorization}x` });
    const result = await scene.run();
    answers.put = put;
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'validation-failed' } });
    expect(result.kind === 'failed' && result.failure.message).toMatch(
      /wrong\.example\.com is invalid \(http-01: .*unauthorized/,
    );
    expect(await scene.renewals.get(scene.work)).toMatchObject({
      step: 'place-order',
      attempts: 1,
      challenges: [],
    });
  });

  it('costs seven requests beside directory, account and nonces, refused nonces not counted', async () => {
    const resources = ['newOrder', 'authorization', 'challenge', 'order', 'finalize', 'certificate'];
    const count = () => resources.reduce((sum, resource) => sum + (ca.ledger.requests[resource] ?? 0), 0);
    const refused = () => ca.ledger.problems.badNonce ?? 0;
    const before = { requests: count(), refused: refused() };
    const scene = createScene('counted.example.com');
    await scene.open();
    await scene.run();
    expect(count() - before.requests).toBeLessThanOrEqual(7 + refused() - before.refused);
  });
});
