import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultHandle, InsteadAct } from '../../../local/ca/faults.ts';
import { publishedLimits } from '../../../shared/limits/published-limits.ts';
import { daysAfter } from '../../support/builders.ts';
import { hurriedClock as clock } from '../../support/issue-scene.ts';
import { startIssueWorld } from '../../support/issue-world.ts';
import { createOrderScene, type OrderWorld } from './order-scene.ts';

let world: OrderWorld;
let scene: ReturnType<typeof createOrderScene>;
let fault: FaultHandle | undefined;

beforeAll(async () => {
  world = await startIssueWorld({ badNonceRate: 0 });
});
afterAll(() => world.stop());
afterEach(() => fault?.remove());

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
    scene = createOrderScene(world);
  });

  it.each([
    'too many requests: 30 requests in 60 seconds for your project',
    'come back another time',
    'too many new registrations (10) from this IP address',
  ])('for "%s" is placed again only after its Retry-After', async (detail) => {
    const refused = refuse(detail);
    const result = await scene.run(await scene.open());
    expect(refused.hits).toBe(1);
    expect(result).toMatchObject({ kind: 'waiting' });
    if (result.kind === 'waiting') expect(secondsUntil(result.until)).toBeGreaterThan(110);
  });

  it('although it renews the same names is placed again only after its Retry-After', async () => {
    const refused = refuse('too many new orders (300) from this account');
    const issuedBy = { directoryUrl: world.directoryUrl, accountUrl: '' };
    const now = clock.now();
    const current = { notBefore: daysAfter(now, -60), notAfter: daysAfter(now, 30), issuedBy };
    expect(await scene.run(await scene.open({ current }))).toMatchObject({ kind: 'waiting' });
    expect(refused.hits).toBe(1);
  });

  it('until the next century is placed again within a week', async () => {
    refuse('too many new orders (300) from this account', { retryAfterSeconds: 999_999_999 });
    const result = await scene.run(await scene.open());
    expect(result).toMatchObject({ kind: 'waiting' });
    if (result.kind === 'waiting') expect(secondsUntil(result.until)).toBeLessThanOrEqual(7 * 86_400);
  });
});

describe("an order refused for its exact set of names, in Boulder's words", () => {
  beforeEach(() => {
    scene = createOrderScene(world, publishedLimits('lets-encrypt'));
  });

  it('holds up no other certificate of the account', async () => {
    refuse(
      'too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s',
      {
        retryAfterSeconds: 34 * 3600,
      },
    );
    expect(await scene.run(await scene.open())).toMatchObject({ kind: 'waiting' });
    fault?.remove();
    expect(await scene.run(await scene.open())).toMatchObject({ kind: 'handed-over' });
  });
});
