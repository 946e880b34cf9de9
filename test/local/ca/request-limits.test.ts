import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { letsEncryptLimits } from '../../../local/ca/limits.ts';
import { aSubscriber, refusal, type Subscriber, startPlainCa } from './subscriber.ts';

let scene: Awaited<ReturnType<typeof startPlainCa>>;
let subscriber: Subscriber;
beforeEach(async () => {
  const requests = { directory: { perSecond: 2, burst: 3 }, acme: { perSecond: 1, burst: 1 } };
  scene = await startPlainCa({ limits: { requests } });
  subscriber = await aSubscriber(scene.ca);
});
afterEach(async () => {
  subscriber.raw.close();
  await scene.ca.stop();
});

describe('requests per second', () => {
  it('beyond the limit are answered with 503, Retry-After and no nonce', async () => {
    const get = () => subscriber.raw.send('GET', scene.ca.directoryUrl);
    const statuses = [await get(), await get(), await get()].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200]);
    const refused = await get();
    expect(refusal(refused)).toBe('503 rateLimited');
    expect(refused.headers).toMatchObject({ 'retry-after': '1' });
    scene.clock.move(0.5);
    expect((await get()).status).toBe(200);
    expect(refusal(await get())).toBe('503 rateLimited');
    expect(scene.ca.ledger.rateLimited).toEqual({ 'requests.directory': 2 });
  });

  it('are refused before anything is read, so that the nonce stays good', async () => {
    const { raw, accountUrl, post } = subscriber;
    const header = { nonce: await raw.nonce() };
    await post(accountUrl);
    const refused = await post(accountUrl, undefined, header);
    expect(refusal(refused)).toBe('503 rateLimited');
    expect(refused.headers['replay-nonce']).toBeUndefined();
    expect(refusal(await raw.send('POST', accountUrl, { text: 'no JWS at all' }))).toBe('503 rateLimited');
    scene.clock.move(1);
    expect((await post(accountUrl, undefined, header)).status).toBe(200);
  });

  it('share one row where a resource has none of its own', async () => {
    const { accountUrl, post, raw } = subscriber;
    expect((await post(accountUrl)).status).toBe(200);
    expect(refusal(await post(`${raw.origin}/acme/order/none`))).toBe('503 rateLimited');
    expect((await subscriber.newOrder(['a.example.com'])).status).toBe(201);
  });
});

it('Let’s Encrypt’s requests per second are those that it publishes', () => {
  expect(letsEncryptLimits.requests).toMatchObject({
    newNonce: { perSecond: 20, burst: 10 },
    newOrder: { perSecond: 300, burst: 200 },
    acme: { perSecond: 250, burst: 125 },
  });
});
