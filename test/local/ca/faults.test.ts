import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../local/ca/faults.ts';
import { aSubscriber, authorizationsOf, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
beforeEach(async () => {
  scene = await startPlainCa();
  subscriber = await aSubscriber(scene.ca);
});
afterEach(async () => {
  subscriber.raw.close();
  await scene.ca.stop();
});

const names = ['a.example.com', 'b.example.com'];
const add = (fault: Fault) => scene.ca.faults.add(fault);

describe('a fault instead of a request’s effect', () => {
  it('drops the connection and does nothing, once', async () => {
    const fault = add({ resource: 'newOrder', act: 'drop-before' });
    await expect(subscriber.newOrder(names)).rejects.toThrow();
    expect([fault.hits, scene.ca.ledger.newOrders]).toEqual([1, 0]);
    expect((await subscriber.newOrder(names)).status).toBe(201);
  });

  it('says nothing at all', async () => {
    const fault = add({ resource: 'newOrder', act: 'hang' });
    const asked = subscriber.newOrder(names).catch((error: Error) => error);
    await expect.poll(() => fault.hits).toBe(1);
    await scene.ca.stop();
    expect(await asked).toBeInstanceOf(Error);
    expect(scene.ca.ledger.newOrders).toBe(0);
  });

  it('answers with a problem', async () => {
    add({ resource: 'newOrder', act: { status: 503, problemType: 'rateLimited', retryAfterSeconds: 7 } });
    const reply = await subscriber.newOrder(names);
    expect(refusal(reply)).toBe('503 rateLimited');
    expect(reply.headers).toMatchObject({ 'retry-after': '7', 'replay-nonce': expect.any(String) });
    expect(scene.ca.ledger.problems).toEqual({ rateLimited: 1 });
  });

  it('answers with any header', async () => {
    const headers = { 'retry-after': 'Sun, 22 Nov 2026 06:01:00 GMT' };
    add({ resource: 'newOrder', act: { status: 429, problemType: 'rateLimited', headers } });
    expect((await subscriber.newOrder(names)).headers).toMatchObject(headers);
  });

  it.each([
    [
      'a body of one’s own',
      { status: 502, body: 'Bad Gateway', contentType: 'text/plain' },
      [502, 'text/plain'],
    ],
    ['a page', 'html', [200, 'text/html']],
    ['a redirect', 'redirect', [307, undefined]],
  ] as const)('answers with %s, and no nonce', async (_, act, expected) => {
    add({ resource: 'newOrder', act });
    const reply = await subscriber.newOrder(names);
    expect([reply.status, reply.headers['content-type']]).toEqual(expected);
    expect(reply.headers['replay-nonce']).toBeUndefined();
    expect(scene.ca.ledger.newOrders).toBe(0);
  });

  it('reaches resources that nobody signs for', async () => {
    const { certId } = await subscriber.issue(names);
    const body = '{"suggestedWindow":{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}';
    add({ resource: 'renewalInfo', names: ['b.example.com'], act: { status: 200, body } });
    add({ resource: 'directory', act: { status: 500 } });
    const ask = () => subscriber.raw.send('GET', `${subscriber.raw.origin}/acme/renewal-info/${certId}`);
    expect((await ask()).text).toBe(body);
    expect((await ask()).json?.suggestedWindow).toMatchObject({ start: expect.stringContaining('2027') });
    expect(refusal(await subscriber.raw.send('GET', scene.ca.directoryUrl))).toBe('500 serverInternal');
  });

  it('delays the effect without preventing it', async () => {
    const fault = add({ resource: 'newOrder', act: { delayBeforeMillis: 5 } });
    expect((await subscriber.newOrder(names)).status).toBe(201);
    expect(fault.hits).toBe(1);
  });
});

describe('a fault in the answer', () => {
  it('loses it when all is done', async () => {
    add({ resource: 'newOrder', act: 'drop-after' });
    await expect(subscriber.newOrder(names)).rejects.toThrow();
    expect(scene.ca.ledger.newOrders).toBe(1);
    await subscriber.newOrder(names);
    expect(scene.ca.ledger.newOrders).toBe(1);
  });

  it('waits for a request that succeeds', async () => {
    const fault = add({ resource: 'newOrder', act: 'drop-after' });
    expect(refusal(await subscriber.newOrder(['bad_name.example.com']))).toBe('400 rejectedIdentifier');
    expect(fault.hits).toBe(0);
    await expect(subscriber.newOrder(names)).rejects.toThrow();
  });

  it('cuts it short', async () => {
    add({ resource: 'newOrder', act: 'truncate' });
    await expect(subscriber.newOrder(names)).rejects.toThrow('aborted');
  });

  it('brings it late', async () => {
    const fault = add({ resource: 'newOrder', act: { delayMillis: 5 } });
    expect([(await subscriber.newOrder(names)).status, fault.hits]).toEqual([201, 1]);
  });

  it('turns a chain round', async () => {
    add({ resource: 'certificate', act: 'wrong-chain-order' });
    const { chainPem } = await subscriber.issue(names);
    const serials = (pem: string) => pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
    expect(new X509Certificate(chainPem).ca).toBe(true);
    expect(serials(chainPem)).toHaveLength(2);
  });
});

describe('a fault in issuance', () => {
  it('leaves an order processing for ever', async () => {
    add({ resource: 'finalize', names: ['a.example.com'], act: 'stuck-processing' });
    const order = await subscriber.newOrder(names);
    const finalized = await subscriber.finalize(order, names);
    expect(finalized.json?.status).toBe('processing');
    expect(Number(finalized.headers['retry-after'])).toBeGreaterThan(0);
    scene.clock.move(1e6);
    expect((await subscriber.post(String(order.headers.location))).json?.status).toBe('processing');
    expect([scene.ca.ledger.issued, scene.ca.ledger.finalizes]).toEqual([[], [expect.anything()]]);
    expect((await subscriber.issue(['b.example.com'])).order.status).toBe(201);
  });

  it('issues late', async () => {
    add({ resource: 'finalize', act: { issueAfterMillis: 60_000 } });
    const order = await subscriber.newOrder(names);
    const finalized = await subscriber.finalize(order, names);
    expect([finalized.json?.status, finalized.headers['retry-after']]).toEqual(['processing', '60']);
    const status = async () => (await subscriber.post(String(order.headers.location))).json?.status;
    await expect.poll(status).toBe('valid');
  });

  it('makes a ready order invalid', async () => {
    add({ resource: 'finalize', act: 'fail-issuance' });
    const { json } = await subscriber.finalize(await subscriber.newOrder(names), names);
    expect(json).toMatchObject({
      status: 'invalid',
      error: { type: 'urn:ietf:params:acme:error:serverInternal' },
    });
  });

  it('certifies another key than the one asked for', async () => {
    add({ resource: 'finalize', act: 'wrong-key' });
    await subscriber.issue(names);
    const { issued, finalizes } = scene.ca.ledger;
    expect(issued[0]?.publicKeyFingerprint).toHaveLength(64);
    expect(issued[0]?.publicKeyFingerprint).not.toBe(finalizes[0]?.publicKeyFingerprint);
  });

  it.each([
    ['extra-name', names, 'DNS:a.example.com, DNS:b.example.com, DNS:unasked.example.net'],
    ['missing-name', names, 'DNS:b.example.com'],
    ['missing-name', ['a.example.com'], 'DNS:not-a.example.com'],
  ] as const)('%s certifies other names than %j', async (act, asked, certified) => {
    add({ resource: 'finalize', act });
    expect((await subscriber.issue(asked)).leaf.subjectAltName).toBe(certified);
  });

  it('dates a certificate an hour ahead', async () => {
    add({ resource: 'finalize', act: 'late-not-before' });
    const { leaf } = await subscriber.issue(names);
    expect(leaf.validFromDate.getTime() - scene.clock.now().getTime()).toBe(3_600_000);
  });

  it('waits for a finalize request that is accepted', async () => {
    const fault = add({ resource: 'finalize', act: 'fail-issuance' });
    const order = await subscriber.newOrder(names);
    expect(refusal(await subscriber.finalize(order, ['c.example.com']))).toBe('400 badCSR');
    expect(fault.hits).toBe(0);
    expect((await subscriber.finalize(order, names)).json?.status).toBe('invalid');
  });
});

describe('a fault is aimed', () => {
  it('at the n-th request, and as many after it as told', async () => {
    const fault = add({ resource: 'newOrder', when: 2, times: 2, act: { status: 500 } });
    const statuses = [];
    for (let times = 0; times < 5; times += 1) statuses.push((await subscriber.newOrder(names)).status);
    expect([statuses, fault.hits]).toEqual([[201, 500, 500, 201, 201], 2]);
  });

  it('at an account', async () => {
    const other = await aSubscriber(scene.ca);
    add({ resource: 'newOrder', account: other.accountUrl, act: { status: 500 } });
    expect((await subscriber.newOrder(names)).status).toBe(201);
    expect((await other.newOrder(names)).status).toBe(500);
    other.raw.close();
  });

  it('at names, in every request about their order', async () => {
    const order = await subscriber.newOrder(names);
    const other = await subscriber.newOrder(['c.example.com']);
    for (const resource of ['newOrder', 'order', 'authorization']) {
      add({ resource, names: ['a.example.com'], act: { status: 500 } });
    }
    const [authorization] = authorizationsOf(order);
    expect((await subscriber.post(String(other.headers.location))).status).toBe(200);
    expect((await subscriber.post(String(order.headers.location))).status).toBe(500);
    expect((await subscriber.post(String(authorization))).status).toBe(500);
    expect((await subscriber.newOrder(['c.example.com'])).status).toBe(201);
    expect((await subscriber.newOrder(names)).status).toBe(500);
  });

  it('one after another where several wait for the same request', async () => {
    add({ resource: 'newOrder', act: { status: 500 } });
    add({ resource: 'newOrder', act: { status: 502 } });
    const statuses = [];
    for (let times = 0; times < 3; times += 1) statuses.push((await subscriber.newOrder(names)).status);
    expect(statuses).toEqual([500, 502, 201]);
  });

  it('no more once it is taken away', async () => {
    const fault = add({ resource: 'newOrder', times: Number.POSITIVE_INFINITY, act: { status: 500 } });
    expect((await subscriber.newOrder(names)).status).toBe(500);
    fault.remove();
    expect((await subscriber.newOrder(names)).status).toBe(201);
  });

  it('nowhere where it cannot happen', () => {
    expect(() => add({ resource: 'newOrder', act: 'wrong-key' })).toThrow('only to "finalize"');
    expect(() => add({ resource: 'order', act: 'wrong-chain-order' })).toThrow(
      expect.objectContaining({ code: 'impossible-fault' }),
    );
  });
});
