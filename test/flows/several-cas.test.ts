import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AcmeCa, startAcmeCa } from '../../local/ca/ca.ts';
import { createAccountConnector } from '../../shared/acme/account.ts';
import { findAuthority } from '../../shared/acme/catalogue.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import type { CertificatePolicy } from '../../shared/certificates/certificate.ts';
import type { Authorities } from '../../shared/renewal/authorities.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import type { Presenters } from '../../shared/renewal/steps/issue-step.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { aPolicy, aRenewal } from '../support/builders.ts';
import { hurriedClock as clock, createIssueScene } from '../support/issue-scene.ts';
import { type ProofServers, startProofServers } from '../support/issue-world.ts';

/** Catalogue CAs, each played by an embedded one. */
const played = ['lets-encrypt', 'lets-encrypt-staging', 'zerossl'] as const;
type Played = (typeof played)[number];

let servers: ProofServers;
const cas = {} as Record<Played, AcmeCa>;

beforeAll(async () => {
  servers = await startProofServers({});
  for (const id of played) {
    cas[id] = await startAcmeCa({
      httpPort: () => servers.httpPort,
      tlsPort: () => 1,
      dnsServer: () => ({ host: '127.0.0.1', port: servers.dnsPort }),
      finalizeMillis: 0,
    });
  }
});
afterAll(async () => {
  await Promise.all(Object.values(cas).map((ca) => ca.stop()));
  await servers.stop();
});

/** A deployment whose first choice is Let's Encrypt and whose second is ZeroSSL. */
function createScene(policy: CertificatePolicy) {
  const name = policy.domains[0] ?? '';
  const work = { certificateName: name, generation: 1, runId: 'run-1' };
  const world = { ...servers, directoryUrl: cas['lets-encrypt'].directoryUrl, rootPem: '' };
  const scene = createIssueScene({ world });
  const connectors = new Map(
    played.map((id) => [
      findAuthority(id).directoryUrl,
      createAccountConnector({
        directoryUrl: cas[id].directoryUrl,
        transport: createTransport({ roots: cas[id].rootPem }),
        accounts: scene.accounts,
        contacts: [],
        clock,
      }),
    ]),
  );
  const authorities: Authorities = {
    preferred: [findAuthority('lets-encrypt'), findAuthority('zerossl')],
    async connect(directoryUrl, signal) {
      const connection = await connectors.get(directoryUrl)?.(signal);
      if (!connection) throw new Error(`nobody plays ${directoryUrl}`);
      return { ...connection, directoryUrl };
    },
  };
  return {
    name,
    stored: () => scene.renewals.get(work),
    certificate: () => scene.certificates.get(name),
    circuits: scene.issue.circuits,
    async open() {
      await scene.certificates.track({ name, policy, now: clock.now() });
      await scene.renewals.open(aRenewal({ certificateName: name, policy }));
    },
    /** One attempt, with proofs that no CA will find good for `dead` names. */
    async run(dead: readonly string[] = []) {
      await scene.renewals.wake(work, clock.now());
      const deadline = startDeadline(clock, 60_000 * 20);
      const owner = `worker ${clock.now().getTime()} ${Math.random()}`;
      try {
        return await runRenewal({
          work,
          owner,
          deadline,
          ports: scene.runner,
          ...createIssueSteps({
            ...scene.issue,
            authorities,
            presenters: async () => spoilProofs(await scene.issue.presenters(), dead),
          }),
        });
      } finally {
        deadline.stop();
      }
    },
  };
}

const spoilProofs = (presenters: Presenters, dead: readonly string[]): Presenters => ({
  ...presenters,
  'http-01': {
    ...presenters['http-01'],
    present: (proof, signal) =>
      presenters['http-01'].present(
        dead.includes(proof.domain) ? { ...proof, keyAuthorization: 'wrong' } : proof,
        signal,
      ),
  },
});

const issuedFor = (id: Played, name: string) =>
  cas[id].ledger.issued.filter(({ names }) => names.includes(name)).length;
const ordersFor = (id: Played, name: string) =>
  cas[id].ledger.orders.filter(({ names }) => names.includes(name)).length;

describe('a renewal with several CAs', () => {
  it('is rehearsed at the staging CA after a failed validation, and issued by the real one alone', async () => {
    const scene = createScene(aPolicy({ domains: ['rehearsed.example.com'] }));
    await scene.open();
    const failed = await scene.run([scene.name]);
    expect(failed).toMatchObject({ kind: 'failed', failure: { code: 'validation-failed' } });
    expect(await scene.stored()).toMatchObject({ rehearse: true, step: 'choose-ca' });
    expect(ordersFor('lets-encrypt-staging', scene.name)).toBe(0);

    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    expect(ordersFor('lets-encrypt-staging', scene.name)).toBe(1);
    expect(issuedFor('lets-encrypt-staging', scene.name)).toBe(0);
    expect(issuedFor('lets-encrypt', scene.name)).toBe(1);
    expect(await scene.stored()).toMatchObject({ challenges: [], ca: { rehearsal: false } });
  });

  it('costs the real CA nothing while the rehearsal fails', async () => {
    const scene = createScene(aPolicy({ domains: ['dead.example.com'] }));
    await scene.open();
    for (let attempt = 0; attempt < 3; attempt++) await scene.run([scene.name]);
    expect(ordersFor('lets-encrypt', scene.name)).toBe(1);
    expect(ordersFor('lets-encrypt-staging', scene.name)).toBe(2);
    expect(await scene.stored()).toMatchObject({ attempts: 3, failedNames: { 'dead.example.com': 3 } });
  });

  it('goes to the next CA when the first refuses the name, and says why', async () => {
    const scene = createScene(aPolicy({ domains: ['refused.example.com'] }));
    await scene.open();
    const act = { status: 403, problemType: 'caa' } as const;
    const fault = cas['lets-encrypt'].faults.add({ resource: 'newOrder', act });
    expect(await scene.run()).toMatchObject({ kind: 'failed', failure: { code: 'acme-caa' } });
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    fault.remove();
    expect(issuedFor('zerossl', scene.name)).toBe(1);
    expect(issuedFor('lets-encrypt', scene.name)).toBe(0);
    expect((await scene.stored())?.ca?.reason).toMatch(/CAA forbids it/);
    expect((await scene.certificate())?.current?.issuedBy?.directoryUrl).toBe(
      findAuthority('zerossl').directoryUrl,
    );
  });

  it('goes to the next CA in an outage, from the second failure on, and leaves no proof on show', async () => {
    const scene = createScene(aPolicy({ domains: ['outage.example.com'] }));
    await scene.open();
    const act = { status: 500, problemType: 'serverInternal' } as const;
    const fault = cas['lets-encrypt'].faults.add({ resource: 'newOrder', times: 2, act });
    expect(await scene.run()).toMatchObject({ kind: 'failed' });
    expect((await scene.stored())?.ca?.directoryUrl).toBe(findAuthority('lets-encrypt').directoryUrl);
    await scene.run();
    expect(await scene.run()).toMatchObject({ kind: 'handed-over' });
    fault.remove();
    expect(issuedFor('zerossl', scene.name)).toBe(1);
    expect(await scene.circuits.read(findAuthority('lets-encrypt').directoryUrl)).toMatchObject({
      failures: 2,
    });
    expect((await scene.stored())?.challenges).toEqual([]);
  });

  it('leaves a name out that keeps failing, where the policy allows, and issues for the others', async () => {
    const domains = ['alive.example.com', 'gone.example.com'];
    const scene = createScene(aPolicy({ domains, splitFailingNames: true }));
    await scene.open();
    const dead = ['gone.example.com'];
    await scene.run(dead);
    await scene.run(dead);
    expect(await scene.stored()).toMatchObject({ leftOut: dead });
    expect(await scene.run(dead)).toMatchObject({ kind: 'handed-over' });
    expect((await scene.certificate())?.current).toMatchObject({
      domains: ['alive.example.com'],
      leftOut: ['gone.example.com'],
    });
    expect((await scene.stored())?.warnings.join()).toContain('left out, since they kept failing');
    expect(issuedFor('lets-encrypt', 'gone.example.com')).toBe(0);
  });
});
