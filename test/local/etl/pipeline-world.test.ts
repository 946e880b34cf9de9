import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PrivateCa } from '../../../local/etl/certificates.ts';
import {
  type PipelineWorld,
  type PipelineWorldOptions,
  preparePipeline,
} from '../../../local/etl/pipeline-world.ts';
import { createMemoryKeyVault } from '../../../shared/certificates/vault.memory.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { type ApiReply, aPair, aPrivateCa, ask, exampleDefinition } from './builders.ts';

let dataDir: string;
let ca: PrivateCa;
let secrets: Map<string, object>;
let vault: ReturnType<typeof createMemoryKeyVault>;
let worlds: PipelineWorld[];
// The window before the last is over at :05, when records have had their five minutes.
const now = new Date('2026-11-22T08:03:00Z');
const window = { from: new Date('2026-11-22T06:00:00Z'), to: new Date('2026-11-22T07:00:00Z') };

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'certfleet-world-'));
  ca = await aPrivateCa();
  secrets = new Map();
  vault = createMemoryKeyVault();
  worlds = [];
});
afterEach(async () => {
  await Promise.all(worlds.map((world) => world.stop()));
  rmSync(dataDir, { recursive: true, force: true });
});

async function prepare(changes: Partial<PipelineWorldOptions> = {}): Promise<PipelineWorld> {
  const putSecret = async (name: string, value: object) => void secrets.set(name, value);
  const world = await preparePipeline({
    definitionText: exampleDefinition,
    dataDir,
    ca,
    stores: { vault, putSecret },
    clock: createFakeClock(now),
    orderCount: 700,
    ...changes,
  });
  worlds.push(world);
  return world;
}

const definitionWith = (changes: object) => JSON.stringify({ ...JSON.parse(exampleDefinition), ...changes });
const exampleSource = JSON.parse(exampleDefinition).source;

/** A request as the pipeline makes it, with what the world has laid ready for it. */
async function askAsPipeline({ connectTo }: PipelineWorld, { from, to } = window): Promise<ApiReply> {
  const { pem } = secrets.get('etl/orders/api-roots') as { pem: string };
  const { value } = secrets.get('etl/orders/api-key') as { value: string };
  const pair = await vault.readCurrent('etl-orders.example.com');
  return ask({
    port: Number(/^api\.shop\.example\.com:443=127\.0\.0\.1:(\d+)$/.exec(connectTo)?.[1]),
    path: `/v2/orders?since=${from.toISOString()}&until=${to.toISOString()}`,
    ca: pem,
    cert: pair?.fullchainPem,
    key: pair?.privateKeyPem,
    headers: { 'X-Api-Key': value },
  });
}

describe('the world of the example pipeline', () => {
  it('has all that the pipeline needs to read its last window', async () => {
    const world = await prepare();
    expect(world.window).toEqual(window);
    expect(world.definition).toEqual(JSON.parse(exampleDefinition));
    const { status, json } = await askAsPipeline(world);
    expect(status).toBe(200);
    const orders = world.example?.orders ?? [];
    expect(json.data.items).toEqual(
      JSON.parse(JSON.stringify(orders.slice(0, 500).map(({ record }) => record))),
    );
    expect(world.example?.expected).toMatchObject({ extracted: 700 });
    expect(world.example?.requests).toHaveLength(1);
  });

  it('has orders in the windows to come', async () => {
    const next = { from: window.to, to: new Date('2026-11-22T08:00:00Z') };
    const { json } = await askAsPipeline(await prepare(), next);
    expect(json.data.items).toHaveLength(500);
  });

  it('is the same at a second start, with the certificates of the first and a new key', async () => {
    const first = await prepare();
    const pair = await vault.readCurrent('etl-orders.example.com');
    const key = secrets.get('etl/orders/api-key');
    await first.stop();
    const second = await prepare();
    expect(second.example?.orders).toEqual(first.example?.orders);
    expect(await vault.readCurrent('etl-orders.example.com')).toEqual(pair);
    expect(secrets.get('etl/orders/api-key')).not.toEqual(key);
    expect((await askAsPipeline(second)).status).toBe(200);
  });

  it('ends with the API', async () => {
    const world = await prepare();
    await world.stop();
    await expect(askAsPipeline(world)).rejects.toThrow('ECONNREFUSED');
  });

  it('holds the client certificate under the name the definition gives, and maps the port of its URL', async () => {
    const source = {
      ...exampleSource,
      url: 'https://api.shop.example.com:8443/v2/orders',
      clientCertificate: 'shop-client',
    };
    const world = await prepare({ definitionText: definitionWith({ source }) });
    expect(world.connectTo).toMatch(/^api\.shop\.example\.com:8443=127\.0\.0\.1:\d+$/);
    expect(await vault.readCurrent('shop-client')).toBeDefined();
  });
});

describe('the world of another pipeline', () => {
  it('is left as it is', async () => {
    const source = { ...exampleSource, url: 'https://api.example.org/orders' };
    const world = await prepare({ definitionText: definitionWith({ source }) });
    expect(world).toMatchObject({ connectTo: '', window });
    expect(world.example).toBeUndefined();
    expect(secrets.size).toBe(0);
  });

  it('is not made for a definition that is wrong', async () => {
    const prepared = prepare({ definitionText: definitionWith({ destinations: [] }) });
    await expect(prepared).rejects.toMatchObject({ code: 'pipeline-invalid' });
    expect(secrets.size).toBe(0);
  });
});

describe('a given PostgreSQL server', () => {
  it('has its client certificate in the vault and its roots among the secrets', async () => {
    const { privateKeyPem, fullchainPem } = await aPair(ca, { name: 'loader', usage: 'client' });
    const world = await prepare({
      postgres: {
        host: '127.0.0.1',
        port: 5432,
        user: 'loader',
        database: 'analytics',
        caPem: 'the roots',
        certificatePem: fullchainPem,
        privateKeyPem,
      },
    });
    expect(world.pipeline.destinations.map(({ type }) => type)).toEqual(['s3', 'postgresql']);
    expect(secrets.get('etl/postgresql/roots')).toEqual({ pem: 'the roots' });
    expect(await vault.readCurrent('etl-postgresql')).toEqual({ generation: 1, privateKeyPem, fullchainPem });
  });
});
