import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anOrder, aRegisteredClient, prove, startCaWithProofs, untilValid } from './ca-client.ts';
import { aSubscriber, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
const limits = { pauseAfterFailures: 3 };
beforeEach(async () => {
  scene = await startPlainCa({ limits, preauthorized: false });
  subscriber = await aSubscriber(scene.ca);
});
afterEach(async () => {
  subscriber.raw.close();
  await scene.ca.stop();
});

const failThrice = async (name: string) => {
  for (let times = 0; times < 3; times += 1) await subscriber.fail(name);
};

describe('a paused name', () => {
  it('is refused without Retry-After until its account is unpaused', async () => {
    await failThrice('www.example.com');
    const refused = await subscriber.newOrder(['ok.example.com', 'www.example.com']);
    expect(refusal(refused)).toBe('429 rateLimited');
    expect(refused.headers['retry-after']).toBeUndefined();
    expect(refused.json?.detail).toMatch(
      /^Your account is temporarily prevented from requesting certificates for www\.example\.com and possibly others\. Please visit: https:\/\/127\.0\.0\.1:\d+\/sfe\/v1\/unpause\?account=/,
    );
    scene.clock.move(1e9);
    expect(refusal(await subscriber.newOrder(['www.example.com']))).toBe('429 rateLimited');
    expect(scene.ca.ledger.rateLimited).toEqual({ paused: 2 });
    expect(scene.ca.unpause(subscriber.accountUrl)).toBe(1);
    expect((await subscriber.newOrder(['www.example.com'])).status).toBe(201);
  });

  it('is paused for its account alone', async () => {
    await failThrice('www.example.com');
    const other = await aSubscriber(scene.ca);
    expect((await other.newOrder(['www.example.com'])).status).toBe(201);
    expect(scene.ca.unpause(other.accountUrl)).toBe(0);
    expect(scene.ca.unpause()).toBe(1);
    other.raw.close();
  });

  it('is refused before anybody looks at what the order replaces', async () => {
    await failThrice('www.example.com');
    const refused = await subscriber.newOrder(['www.example.com'], { replaces: 'no.identifier' });
    expect(refusal(refused)).toBe('429 rateLimited');
  });

  it('is unpaused by a form on the page that the refusal names, and not by a look at it', async () => {
    await failThrice('www.example.com');
    const refused = await subscriber.newOrder(['www.example.com']);
    const page = /https:\S+$/.exec(String(refused.json?.detail))?.[0] ?? '';
    expect((await subscriber.raw.send('GET', page)).text).toContain('<form method="post">');
    expect(refusal(await subscriber.newOrder(['www.example.com']))).toBe('429 rateLimited');
    expect((await subscriber.raw.send('POST', page)).text).toContain('Unpaused: 1');
    expect((await subscriber.newOrder(['www.example.com'])).status).toBe(201);
    expect(refusal(await subscriber.raw.send('GET', page.replace(/account=.*/, 'account=no')))).toBe(
      '404 malformed',
    );
  });
});

describe('failures', () => {
  it('must be consecutive: a success between them starts the count again', async () => {
    const setup = await startCaWithProofs({ limits });
    const client = await aRegisteredClient(setup.ca);
    const failByProof = async () => {
      const order = await anOrder(client, 'www.example.com');
      const [authorization] = await client.getAuthorizations(order);
      const challenge = authorization?.challenges.find(({ type }) => type === 'http-01');
      if (authorization === undefined || challenge === undefined) throw new Error('no http-01 challenge');
      await client.completeChallenge(challenge);
      await expect(untilValid(client, authorization)).rejects.toThrow();
    };
    try {
      await failByProof();
      await failByProof();
      const order = await anOrder(client, 'www.example.com');
      await prove(setup, client, { order, type: 'http-01' });
      const [proved] = await client.getAuthorizations(order);
      if (proved) await client.deactivateAuthorization(proved);
      await failByProof();
      await failByProof();
      expect(setup.ca.unpause()).toBe(0);
      await failByProof();
      expect(setup.ca.unpause()).toBe(1);
    } finally {
      await setup.stop();
    }
  });

  it('are remembered by the next process', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'ca-'));
    const first = await startPlainCa({ limits, preauthorized: false, dataDir });
    const one = await aSubscriber(first.ca);
    for (let times = 0; times < 3; times += 1) await one.fail('www.example.com');
    one.raw.close();
    await first.ca.stop();
    const next = await startPlainCa({ limits, dataDir });
    try {
      expect(next.ca.unpause()).toBe(1);
    } finally {
      await next.ca.stop();
      rmSync(dataDir, { recursive: true });
    }
  });
});
