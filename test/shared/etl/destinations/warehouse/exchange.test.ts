import { afterEach, describe, expect, it } from 'vitest';
import type { TlsPeer } from '../../../../../shared/etl/connections/tls-peer.ts';
import { createHttpsExchange } from '../../../../../shared/etl/destinations/warehouse/exchange.https.ts';
import { neverAborted } from '../builders.ts';
import { type FakeAnswer, startHttpsFake } from './https-fake.ts';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function makeScene(answer: FakeAnswer, change: (peer: TlsPeer) => TlsPeer = (peer) => peer) {
  const fake = await startHttpsFake('warehouse.example.com', () => answer);
  const exchange = createHttpsExchange(change(fake.peer));
  stops.push(() => exchange.close(), fake.stop);
  const send = (changes: { timeoutMillis?: number; signal?: AbortSignal } = {}) =>
    exchange.send({
      ...{ method: 'POST', path: '/v1?token=hush', headers: { Authorization: 'Bearer hush' } },
      ...{ body: Buffer.from('hush'), timeoutMillis: 5_000, signal: neverAborted, ...changes },
    });
  return { send, requests: fake.requests };
}

describe('an exchange with a warehouse', () => {
  it('goes to the checked peer by its name', async () => {
    const { send, requests } = await makeScene({
      status: 202,
      headers: { 'retry-after': '3' },
      json: { a: 1 },
    });
    expect(await send()).toEqual({ status: 202, retryAfterSeconds: 3, json: { a: 1 } });
    expect(requests[0]?.headers).toMatchObject({ host: 'warehouse.example.com', 'content-length': '4' });
  });

  it('follows no redirect', async () => {
    const { send, requests } = await makeScene({
      status: 307,
      headers: { location: 'https://elsewhere.example.com/' },
    });
    expect((await send()).status).toBe(307);
    expect(requests).toHaveLength(1);
  });

  it('has no JSON where the body is none', async () => {
    const { send } = await makeScene({ status: 502, body: Buffer.from('<html>') });
    expect(await send()).toMatchObject({ status: 502, json: undefined });
  });

  it.each<[string, (peer: TlsPeer) => TlsPeer, string]>([
    [
      'that shows another certificate than was checked',
      (peer) => ({ ...peer, fingerprints: ['00'.repeat(32)] }),
      'peer-not-checked',
    ],
    [
      'whose certificate is for another name',
      (peer) => ({ ...peer, host: 'other.example.com' }),
      'certificate-wrong-host',
    ],
    ['that nobody vouches for', ({ roots: _, ...peer }) => peer, 'certificate-untrusted'],
    [
      'that is not there',
      (peer) => ({ ...peer, connectTo: { host: '127.0.0.1', port: 1 } }),
      'peer-unreachable',
    ],
  ])('sends nothing to a peer %s', async (_, change, code) => {
    const { send, requests } = await makeScene({}, change);
    await expect(send()).rejects.toMatchObject({ code });
    expect(requests).toEqual([]);
  });

  it('ends at its time limit, and says nothing of what was sent', async () => {
    const { send } = await makeScene({ silent: true });
    const failure = await send({ timeoutMillis: 50 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'Failure', disposition: 'retry', cause: undefined });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hush');
  });

  it('ends with the reason of the signal', async () => {
    const { send } = await makeScene({ silent: true });
    const controller = new AbortController();
    const sent = send({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(sent).rejects.toThrow('enough');
  });

  it('reads no more than an answer may have', async () => {
    const { send } = await makeScene({ body: Buffer.alloc(5 * 1024 * 1024, 32) });
    await expect(send()).rejects.toMatchObject({ code: 'target-answer-too-large', disposition: 'give-up' });
  });
});
