import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startExampleApi } from '../../../local/etl/example-api.ts';
import { exampleOrders } from '../../../local/etl/example-orders.ts';
import { openOrderBook } from '../../../local/etl/order-book.ts';
import { createHttpsSource } from '../../../shared/etl/sources/https/https-source.ts';
import type { Source } from '../../../shared/etl/sources/source.ts';
import { systemRandom } from '../../../shared/runtime/random.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { aPair, aPrivateCa, examplePipeline } from './builders.ts';

const host = 'api.shop.example.com';
const window = { from: new Date('2026-11-22T06:00:00Z'), to: new Date('2026-11-22T07:00:00Z') };
const count = 1_700;
const clock = createFakeClock(window.to);
let source: Source;
let stop: () => Promise<void>;
let statuses: () => number[];

beforeEach(async () => {
  const ca = await aPrivateCa();
  const serverPair = await aPair(ca, { name: host, usage: 'server' });
  const client = await aPair(ca, { name: 'etl-orders.example.com', usage: 'client' });
  const orders = openOrderBook({ everySeconds: 3600, count });
  const api = await startExampleApi({ serverPair, clientRoots: ca.rootPem, apiKey: 'right', orders, clock });
  const definition = examplePipeline().source;
  if (definition.type !== 'https') throw new Error('the example reads from an API');
  const shown = new X509Certificate(serverPair.fullchainPem).fingerprint256;
  source = createHttpsSource({
    definition,
    peer: {
      host,
      port: 443,
      roots: ca.rootPem,
      client: {
        name: 'etl-orders.example.com',
        certificatePem: client.fullchainPem,
        privateKeyPem: client.privateKeyPem,
      },
      connectTo: { host: '127.0.0.1', port: api.port },
      fingerprints: [shown.replaceAll(':', '').toLowerCase()],
    },
    secret: 'right',
    clock,
    random: systemRandom,
  });
  statuses = () => api.requests.map(({ status }) => status);
  stop = async () => {
    await source.close();
    await api.stop();
  };
});
afterEach(() => stop());

describe("the example API as the pipeline's source", () => {
  it('gives every record of the window once, in order, however busy it is', async () => {
    const signal = AbortSignal.timeout(10_000);
    const [slice] = await source.plan(window, signal);
    if (!slice) throw new Error('nothing was planned');
    const rows: unknown[] = [];
    for await (const { readings } of source.read({ chunkId: 'chunk', slice, signal }))
      for (const reading of readings)
        rows.push(reading.kind === 'record' ? reading.record.row : 'unreadable');
    const sent = exampleOrders(window, count).map(({ record }) =>
      typeof record === 'string' ? 'unreadable' : record,
    );
    expect(JSON.parse(JSON.stringify(rows))).toEqual(JSON.parse(JSON.stringify(sent)));
    expect(statuses()).toEqual([200, 429, 200, 200, 200]);
    expect(clock.slept.every((millis) => millis >= 1000)).toBe(true);
  });
});
