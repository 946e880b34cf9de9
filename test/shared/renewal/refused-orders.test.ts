import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AcmeCa } from '../../../local/ca/ca.ts';
import type { FaultHandle, InsteadAct } from '../../../local/ca/faults.ts';
import type { TrackedCertificate } from '../../../shared/certificates/certificate.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { runRenewal } from '../../../shared/renewal/run-renewal.ts';
import { startDeadline } from '../../../shared/runtime/deadline.ts';
import { anIssuedCertificate, aPolicy, aRenewal, daysAfter } from '../../support/builders.ts';
import {
  hurriedClock as clock,
  createIssueScene,
  type IssueScene,
  issueStepsOf,
} from '../../support/issue-scene.ts';
import { type IssueWorld, startIssueWorld } from '../../support/issue-world.ts';

let world: IssueWorld & { readonly ca: AcmeCa };
let scene: IssueScene;
let fault: FaultHandle | undefined;
let certificates = 0;

beforeAll(async () => {
  world = await startIssueWorld({ badNonceRate: 0 });
});
afterAll(() => world.stop());
afterEach(() => fault?.remove());

const aName = () => `refused-${++certificates}.example.com`;

async function renew(name: string, current?: Partial<TrackedCertificate['current']>) {
  const policy = aPolicy({ domains: [name] });
  const generation = current ? 2 : 1;
  await scene.certificates.track({ name, policy, now: clock.now() });
  const read = await scene.certificates.get(name);
  if (current && read) {
    const issued = anIssuedCertificate({ domains: [name], ...current });
    await scene.certificates.recordIssued({ read, issued, nextActionAt: clock.now() });
  }
  const work = { certificateName: name, generation, runId: 'run-1' };
  const reason = { code: 'forced', message: 'asked for by hand' } as const;
  await scene.renewals.open(aRenewal({ ...work, policy, reason }));
  const deadline = startDeadline(clock, 60_000 * 20);
  const owner = `worker of ${name}`;
  try {
    return await runRenewal({ work, owner, deadline, ports: scene.runner, ...issueStepsOf(scene) });
  } finally {
    deadline.stop();
  }
}

/** The CA refuses the next twenty orders; who asks at once again gets through all of them. */
const refuse = (detail: string, more: Partial<Extract<InsteadAct, { status: number }>> = {}) => {
  const body = JSON.stringify({ type: 'urn:ietf:params:acme:error:rateLimited', status: 429, detail });
  const act = { status: 429, body, contentType: 'application/problem+json', retryAfterSeconds: 120, ...more };
  fault = world.ca.faults.add({ resource: 'newOrder', times: 20, act });
  return fault;
};

const secondsUntil = (instant: Date) => (instant.getTime() - clock.now().getTime()) / 1000;

describe('an order that a CA without published limits refuses', () => {
  beforeEach(() => {
    scene = createIssueScene({ world });
  });

  it.each([
    'too many requests: 30 requests in 60 seconds for your project',
    'come back another time',
    'too many new registrations (10) from this IP address',
  ])('for "%s" is placed again only after its Retry-After', async (detail) => {
    const refused = refuse(detail);
    const result = await renew(aName());
    expect(refused.hits).toBe(1);
    expect(result).toMatchObject({ kind: 'waiting' });
    if (result.kind === 'waiting') expect(secondsUntil(result.until)).toBeGreaterThan(110);
  });

  it('although it renews the same names is placed again only after its Retry-After', async () => {
    const refused = refuse('too many new orders (300) from this account');
    const issuedBy = { directoryUrl: world.directoryUrl, accountUrl: '' };
    const now = clock.now();
    const current = { notBefore: daysAfter(now, -60), notAfter: daysAfter(now, 30), issuedBy };
    expect(await renew(aName(), current)).toMatchObject({ kind: 'waiting' });
    expect(refused.hits).toBe(1);
  });

  it('until the next century is placed again within a week', async () => {
    refuse('too many new orders (300) from this account', { retryAfterSeconds: 999_999_999 });
    const result = await renew(aName());
    expect(result).toMatchObject({ kind: 'waiting' });
    if (result.kind === 'waiting') expect(secondsUntil(result.until)).toBeLessThanOrEqual(7 * 86_400);
  });
});

describe("an order refused for its exact set of names, in Boulder's words", () => {
  beforeEach(() => {
    scene = createIssueScene({ world, limits: publishedLimits('lets-encrypt') });
  });

  it('holds up no other certificate of the account', async () => {
    refuse(
      'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s',
      {
        retryAfterSeconds: 34 * 3600,
      },
    );
    expect(await renew(aName())).toMatchObject({ kind: 'waiting' });
    fault?.remove();
    expect(await renew(aName())).toMatchObject({ kind: 'handed-over' });
  });
});
