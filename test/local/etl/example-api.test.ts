import type { RequestOptions } from 'node:https';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Pair, PrivateCa } from '../../../local/etl/certificates.ts';
import { type ExampleApi, startExampleApi } from '../../../local/etl/example-api.ts';
import { exampleOrders } from '../../../local/etl/example-orders.ts';
import { openOrderBook } from '../../../local/etl/order-book.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { aPair, aPrivateCa, ask } from './builders.ts';

const host = 'api.shop.example.com';
const window = { from: new Date('2026-11-22T06:00:00Z'), to: new Date('2026-11-22T07:00:00Z') };
const count = 1_200;
let ca: PrivateCa;
let serverPair: Pair;
let clientPair: Pair;
let api: ExampleApi;

beforeAll(async () => {
  ca = await aPrivateCa();
  serverPair = await aPair(ca, { name: host, usage: 'server' });
  clientPair = await aPair(ca, { name: 'etl-orders.example.com', usage: 'client' });
});
beforeEach(async () => {
  const orders = openOrderBook({ everySeconds: 3600, count });
  const clock = createFakeClock(new Date('2026-11-22T06:30:00Z'));
  api = await startExampleApi({ serverPair, clientRoots: ca.rootPem, apiKey: 'right', orders, clock });
});
afterEach(() => api.stop());

const get = (path: string, changes: RequestOptions = {}) =>
  ask({
    port: api.port,
    path,
    ca: ca.rootPem,
    cert: clientPair.fullchainPem,
    key: clientPair.privateKeyPem,
    headers: { 'X-Api-Key': 'right' },
    ...changes,
  });
const pathOf = (query: Record<string, string>) => `/v2/orders?${new URLSearchParams(query)}`;
const period = { since: window.from.toISOString(), until: window.to.toISOString() };

describe('the example API', () => {
  it('gives the orders of a period in pages of 500, every one of them once', async () => {
    const items: unknown[] = [];
    const sizes: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { status, json, headers } = await get(pathOf({ ...period, ...(cursor && { cursor }) }));
      if (status === 429) {
        expect(headers['retry-after']).toBe('1');
        sizes.push(-1);
        continue;
      }
      items.push(...json.data.items);
      sizes.push(json.data.items.length);
      cursor = json.data.next;
    }
    expect(sizes).toEqual([500, -1, 500, 200]);
    expect(items).toEqual(
      JSON.parse(JSON.stringify(exampleOrders(window, count).map(({ record }) => record))),
    );
  });

  it('is as busy with another period, and with one that it has turned away no more', async () => {
    const statuses = [];
    for (const until of ['06:20', '06:20', '06:20', '06:40', '06:40'])
      statuses.push((await get(pathOf({ ...period, until: `2026-11-22T${until}:00Z` }))).status);
    expect(statuses).toEqual([200, 429, 200, 200, 429]);
  });

  it('keeps to since and until', async () => {
    const from = new Date('2026-11-22T06:10:00Z');
    const to = new Date('2026-11-22T06:15:00Z');
    const { json } = await get(pathOf({ since: from.toISOString(), until: to.toISOString() }));
    const wanted = exampleOrders(window, count).filter(
      ({ orderedAt }) => orderedAt >= from && orderedAt < to,
    );
    expect(json.data.items).toHaveLength(wanted.length);
    expect(wanted.length).toBeGreaterThan(50);
  });

  it('ends at the present where no end is asked for, and takes smaller pages', async () => {
    const { json } = await get(pathOf({ since: '2026-11-22T06:29:00Z', limit: '5' }));
    const times = json.data.items.map((item) => (item as { ordered_at: string }).ordered_at);
    expect(times).toHaveLength(5);
    expect(times.every((time) => time >= '2026-11-22T06:29' && time < '2026-11-22T06:30')).toBe(true);
  });

  it('gives the last hour where no period is asked for', async () => {
    const { json } = await get('/v2/orders?limit=1');
    const [order] = json.data.items as { ordered_at: string }[];
    expect(order?.ordered_at).toMatch(/^2026-11-22T05:30:/);
  });

  it('compresses when asked', async () => {
    const headers = { 'X-Api-Key': 'right', 'Accept-Encoding': 'gzip' };
    const reply = await get(pathOf(period), { headers });
    expect(reply.headers['content-encoding']).toBe('gzip');
    expect(reply.json.data.items).toHaveLength(500);
  });

  it.each([
    ['without a key', pathOf(period), { headers: {} }, 401],
    ['with a wrong key', pathOf(period), { headers: { 'X-Api-Key': 'wrong' } }, 401],
    ['for another path', '/v1/orders', {}, 404],
    ['by another method', pathOf(period), { method: 'POST' }, 405],
    ['with a beginning that is no instant', pathOf({ ...period, since: 'yesterday' }), {}, 400],
    ['that ends before it begins', pathOf({ since: period.until, until: period.since }), {}, 400],
    ['with an unknown cursor', pathOf({ ...period, cursor: 'abc' }), {}, 400],
    ['with a limit of none', pathOf({ ...period, limit: '0' }), {}, 400],
  ])('refuses a request %s', async (_, path, changes, status) => {
    expect((await get(path, changes)).status).toBe(status);
  });

  it('notes what it was asked, without query and key', async () => {
    await get(pathOf(period));
    await get('/nowhere?secret=1');
    expect(api.requests).toEqual([
      { method: 'GET', path: '/v2/orders', status: 200, client: 'etl-orders.example.com' },
      { method: 'GET', path: '/nowhere', status: 404, client: 'etl-orders.example.com' },
    ]);
  });
});

describe('a handshake with the example API', () => {
  it('is refused without a client certificate', async () => {
    const nothing = { cert: undefined, key: undefined };
    await expect(get(pathOf(period), nothing)).rejects.toThrow(/certificate required/i);
    expect(api.requests).toEqual([]);
  });

  it("is refused with another CA's client certificate", async () => {
    const stranger = await aPair(await aPrivateCa(), { name: 'etl-orders.example.com', usage: 'client' });
    const shown = { cert: stranger.fullchainPem, key: stranger.privateKeyPem };
    await expect(get(pathOf(period), shown)).rejects.toThrow(/unknown ca|alert|ECONNRESET|socket hang up/i);
    expect(api.requests).toEqual([]);
  });

  it("is refused with a server's certificate in place of a client's", async () => {
    const shown = { cert: serverPair.fullchainPem, key: serverPair.privateKeyPem };
    await expect(get(pathOf(period), shown)).rejects.toThrow(/certificate|alert|ECONNRESET|socket hang up/i);
    expect(api.requests).toEqual([]);
  });

  it('is refused below TLS 1.2', async () => {
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(get(pathOf(period), old)).rejects.toThrow(/protocol version/i);
  });
});
