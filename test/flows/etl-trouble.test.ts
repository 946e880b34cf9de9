import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportKeyPem, generateKeyPair } from '../../local/ca/key-pair.ts';
import { putPair } from '../../local/etl/certificates.ts';
import { type LocalStack, startStack } from '../../local/stack.ts';
import { findImbalances, foldReplay } from '../../shared/etl/books/books.ts';
import type { RequestedRun } from '../../shared/etl/chain/request-runs.ts';
import type { Window } from '../../shared/etl/run/window.ts';
import { type EtlFlow, openEtlFlow } from '../support/etl-flow.ts';
import { startSource } from '../support/etl-source.ts';

type Source = Awaited<ReturnType<typeof startSource>>;
type Definition = Record<string, unknown> & { readonly source: object; readonly contract: Contract };
interface Contract {
  readonly columns: { readonly items: object };
}

const daySeconds = 86_400;
const patiently = { timeout: 20_000, interval: 100 };

let directory: string;
let stack: LocalStack;
let flow: EtlFlow;
let orders: Definition;
let window: Window;
let source: Source | undefined;
let log = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-etl-trouble-'));
  const pipelineText = await readFile('examples/pipelines/orders.json', 'utf8');
  const example = JSON.parse(pipelineText);
  orders = { ...example, window: { ...example.window, automatic: false } };
  stack = await startStack({
    dataDir: directory,
    pipelineText,
    orderCount: 1_000,
    limitsFactor: 100,
    onLog: (_name, text) => {
      log += text;
    },
  });
  stack.aws.startPolling();
  flow = openEtlFlow(stack);
  if (!stack.pipelineWorld) throw new Error('the stack has no pipeline');
  window = stack.pipelineWorld.window;
});
afterEach(async () => {
  await source?.stop();
  source = undefined;
});
afterAll(async () => {
  flow?.stop();
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The example under another name, with its own place for files. */
async function defineOrders(name: string, sourceChanges: object = {}): Promise<void> {
  const destinations = [{ type: 's3', prefix: `${name}/`, table: 'orders' }];
  await flow.define({ ...orders, name, source: { ...orders.source, ...sourceChanges }, destinations });
}

async function issueForClients(name: string, days: number) {
  const { cryptoKeys, publicKey } = await generateKeyPair();
  const validitySeconds = days * daySeconds;
  const request = { names: [name], publicKey, now: new Date(), validitySeconds, usage: 'client' } as const;
  const issued = await stack.ca?.issueDirectly(request);
  return {
    privateKeyPem: await exportKeyPem(cryptoKeys.privateKey),
    fullchainPem: issued?.chainPem ?? '',
  };
}

/** What people were told of a pipeline. */
const told = (pipeline: string): string[] =>
  stack.slack.posts.map(({ text }) => text).filter((text) => text.includes(`${pipeline} `));

async function goOn(name: string): Promise<void> {
  await flow.hurry(name);
  await flow.tick();
}

describe('a run is held', () => {
  it('until the fleet has renewed the client certificate it asked for, and then goes on by itself', async () => {
    const name = 'etl-fleet.example.com';
    await defineOrders('fleet-orders', { clientCertificate: name });
    const inventory = join(directory, 'domains.json');
    await writeFile(inventory, JSON.stringify([{ domain: name }, { domain: 'www.example.com' }]));
    await flow.call('collect-inventory', { source: inventory });
    stack.ca?.faults.add({ resource: 'finalize', names: [name], act: 'for-clients-too' });

    const [held] = await flow.start({ pipeline: 'fleet-orders', window });
    expect(held).toMatchObject({
      kind: 'opened',
      state: 'held',
      heldFor: [{ code: 'client-certificate-missing', subject: `client ${name}`, renew: name }],
    });
    await vi.waitFor(async () => {
      const tracked = await stack.stores.certificates.get(name);
      if (tracked?.current === undefined) throw new Error('the certificate has not been renewed');
    }, patiently);
    // Of the fleet, that one alone was asked for.
    expect(await stack.stores.vault.readCurrent('www.example.com')).toBeUndefined();

    await goOn('fleet-orders');
    const run = await flow.settled(flow.slotOf('fleet-orders', window), 'reported');
    expect(run.runId).toBe(held?.runId);
    expect(run.books).toMatchObject({ extracted: 1_000 });
    expect(told('fleet-orders')).toHaveLength(2);
  }, 120_000);

  it('while its client certificate ends too soon; whoever puts a better one there starts nothing anew', async () => {
    const name = 'etl-ending.example.com';
    await putPair(stack.stores.vault, name, await issueForClients(name, 3));
    await defineOrders('ending-orders', { clientCertificate: name });
    const [held] = await flow.start({ pipeline: 'ending-orders', window });
    expect(held).toMatchObject({
      state: 'held',
      heldFor: [{ code: 'certificate-expires-soon', renew: name }],
    });
    await vi.waitFor(() => expect(told('ending-orders')).toHaveLength(1), patiently);
    await goOn('ending-orders');
    await flow.call('report-etl', flow.slotOf('ending-orders', window));
    expect(told('ending-orders')).toHaveLength(1);
    expect(log.includes('PRIVATE KEY')).toBe(false);

    await putPair(stack.stores.vault, name, await issueForClients(name, 30));
    await goOn('ending-orders');
    const run = await flow.settled(flow.slotOf('ending-orders', window), 'reported');
    expect(run.runId).toBe(held?.runId);
  }, 60_000);
});

it('a run that fails says so once, and is resumed where it stopped', async () => {
  await stack.stores.putSecret('etl/orders/other-key', { value: 'not the key' });
  await defineOrders('refused-orders', {
    auth: { type: 'api-key', header: 'X-Api-Key', secret: 'etl/orders/other-key' },
  });
  const [opened] = await flow.start({ pipeline: 'refused-orders', window });
  const slot = flow.slotOf('refused-orders', window);
  const failed = await flow.settled(slot, 'failed');
  expect(failed).toMatchObject({
    failedIn: 'extracting',
    failure: { class: 'terminal', code: 'source-unauthorized', stage: 'extract' },
  });
  await goOn('refused-orders');
  await flow.call('report-etl', slot);
  expect(told('refused-orders')).toHaveLength(1);
  expect(told('refused-orders')[0]).toContain('failed');
  expect(log.includes('not the key')).toBe(false);

  await stack.stores.putSecret('etl/orders/other-key', await flow.secret('etl/orders/api-key'));
  const [resumed] = await flow.start({ pipeline: 'refused-orders', window, existing: 'resume' });
  expect(resumed).toMatchObject({ kind: 'resumed', runId: opened?.runId });
  await goOn('refused-orders');
  const run = await flow.settled(slot, 'reported');
  expect(run.books?.extracted).toBe(1_000);
  expect(run.failure).toBeUndefined();
}, 60_000);

it('a mended contract lets the quarantine be replayed, until only what is still wrong is left', async () => {
  await flow.define(orders);
  await flow.start({ pipeline: 'orders', window });
  const load = await flow.settled(flow.slotOf('orders', window), 'reported');
  expect(load.books).toMatchObject({ quarantined: 3, inserted: 973 });
  const { columns } = orders.contract;
  // Of what was set aside, one has too many items, one none (and is filtered), one `three`.
  const items = { ...columns.items, min: 0, max: 5_000 };
  await flow.define({
    ...orders,
    contract: { ...orders.contract, version: 2, columns: { ...columns, items } },
  });
  const asked = (await flow.call('start-etl', { pipeline: 'orders', replay: { window } })) as RequestedRun;
  const replay = await flow.settled({ pipeline: 'orders', scopeKey: asked.scope }, 'reported');
  expect(replay.books).toMatchObject({ extracted: 3, filtered: 1, quarantined: 1, inserted: 1 });
  if (!load.books || !replay.books) throw new Error('a run without books');
  const folded = foldReplay(load.books, replay.books);
  expect(findImbalances(folded)).toEqual([]);
  expect(folded).toMatchObject({ extracted: 1_000, quarantined: 1, filtered: 20, inserted: 974 });
  const left = await flow.versions(flow.buckets.quarantine, `orders/${load.loadId}/`);
  expect(left.map(({ key }) => key.split('/')[2])).toEqual([replay.runId]);
}, 60_000);

describe('a source with a certificate of its own', () => {
  const records = [
    { id: 'a', at: '2026-01-01T00:00:00Z', amount: 1 },
    { id: 'b', at: '2026-01-01T00:00:01Z', amount: 2 },
  ];
  async function defineReadings(name: string): Promise<Source> {
    source = await startSource(records);
    await stack.stores.putSecret(`etl/${name}/roots`, { pem: source.rootPem });
    const column = (type: string) => ({ type, classification: 'internal' });
    await flow.define({
      name,
      owner: 'data@example.com',
      window: { everySeconds: 3600, automatic: false },
      source: { type: 'https', url: source.url, caSecret: `etl/${name}/roots`, format: { type: 'ndjson' } },
      contract: {
        columns: { id: column('string'), at: column('timestamp'), amount: column('integer') },
        key: ['id'],
      },
      transforms: [{ type: 'dedupe' }],
      destinations: [{ type: 's3', prefix: `${name}/`, table: 'readings' }],
    });
    return source;
  }

  it('is asked for nothing when it shows another one than the gate has seen', async () => {
    const api = await defineReadings('swapped');
    api.changeCertificates();
    const [opened] = await flow.start({ pipeline: 'swapped', window });
    const run = { pipeline: 'swapped', runId: opened?.runId ?? '' };
    const [chunk] = await vi.waitFor(async () => {
      const chunks = await stack.stores.ledger.listChunks(run);
      if (!chunks[0]?.failure) throw new Error('the chunk has not been tried');
      return chunks;
    }, patiently);
    expect(chunk).toMatchObject({
      stage: 'extract',
      failure: { class: 'transient', code: 'peer-not-checked' },
    });
    expect(api.requests).toBe(0);
  });

  it('keeps no run from its end by hanging: another worker takes over, and the late one leaves nothing', async () => {
    const api = await defineReadings('stalled');
    const kept = api.keepNext();
    const [opened] = await flow.start({ pipeline: 'stalled', window });
    await kept.arrived;
    await endLease({ pipeline: 'stalled', runId: opened?.runId ?? '' });
    await goOn('stalled');
    const run = await flow.settled(flow.slotOf('stalled', window), 'reported');
    kept.letGo();
    await vi.waitFor(() => expect(log.includes('lease-lost')).toBe(true), patiently);
    expect(log.match(/.*AccessDenied.*/g)).toBeNull();
    expect(await stack.stores.ledger.getRun(run)).toEqual(run);
    expect(run.books).toMatchObject({ extracted: 2, inserted: 2 });
    await vi.waitFor(async () => {
      const { work } = flow.buckets;
      expect(await flow.versions(work, `raw/stalled/${run.runId}/`)).toEqual([]);
      expect(await flow.versions(work, `staged/stalled/${run.runId}/`)).toEqual([]);
    }, patiently);
  }, 60_000);
});

/** As time would: another worker finds the chunk's lease over. */
async function endLease(run: { pipeline: string; runId: string }): Promise<void> {
  const { ledger } = stack.stores;
  const [chunk] = await ledger.listChunks(run);
  const later = new Date(Date.now() + daySeconds * 1000);
  const leased = chunk && (await ledger.claimChunk(chunk, { owner: 'time', now: later, until: later }));
  if (leased) await ledger.releaseChunk(leased);
}
