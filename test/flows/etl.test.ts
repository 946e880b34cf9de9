import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { plantedValues } from '../../local/etl/planted-values.ts';
import { type LocalStack, startStack } from '../../local/stack.ts';
import type { AuditEvent } from '../../shared/audit/event.ts';
import { trustKey } from '../../shared/audit/signer.ts';
import { findImbalances } from '../../shared/etl/books/books.ts';
import { decryptCell, keyIdOf, rowKeyOf } from '../../shared/etl/cells/cell-format.ts';
import { readReport } from '../../shared/etl/chain/kept-reports.ts';
import type { Run } from '../../shared/etl/ledger/run.ts';
import { verifyRun } from '../../shared/etl/run/verify-run.ts';
import type { Window } from '../../shared/etl/run/window.ts';
import { type EtlFlow, openEtlFlow } from '../support/etl-flow.ts';

let directory: string;
let stack: LocalStack;
let flow: EtlFlow;
let definition: Record<string, unknown>;
let window: Window;
let run: Run;
let log = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certfleet-etl-'));
  const pipelineText = await readFile('examples/pipelines/orders.json', 'utf8');
  const example = JSON.parse(pipelineText);
  // Of this window alone, whatever the hour.
  definition = { ...example, window: { ...example.window, automatic: false } };
  stack = await startStack({
    dataDir: directory,
    pipelineText,
    orderCount: 1_000,
    onLog: (_name, text) => {
      log += text;
    },
  });
  flow = openEtlFlow(stack);
  window = shop().window;
  await flow.define(definition);
  await flow.start({ pipeline: 'orders', window });
  run = await flow.settled(flow.slotOf('orders', window), 'reported');
});
afterAll(async () => {
  flow?.stop();
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

function shop() {
  const { pipelineWorld } = stack;
  if (!pipelineWorld?.example) throw new Error('the stack has no example shop');
  return { window: pipelineWorld.window, ...pipelineWorld.example };
}

const json = async (store: Parameters<EtlFlow['bytes']>[0], key: string) =>
  JSON.parse((await flow.bytes(store, key)).toString('utf8'));

/** The rows of every Parquet file that a list of a finished load names. */
async function loadedRows(): Promise<Record<string, unknown>[]> {
  const { analytics } = flow.buckets;
  const listed = await flow.versions(analytics, 'shop/orders/');
  const rows: Record<string, unknown>[] = [];
  for (const { key } of listed.filter((version) => version.key.endsWith('.parquet'))) {
    const bytes = await flow.bytes(analytics, key);
    const file = new Uint8Array(bytes).buffer;
    rows.push(...(await parquetReadObjects({ file })));
  }
  return rows;
}

describe('a run of the example pipeline', () => {
  it('comes to the books that the orders ask for', async () => {
    const { extracted, filtered, quarantined, duplicates, staged, quarantineCodes } = shop().expected;
    const expected = { extracted, filtered, quarantined, duplicates, staged };
    expect(run.books).toEqual({ ...expected, inserted: staged, updated: 0, unchanged: 0 });
    expect(run.books && findImbalances(run.books)).toEqual([]);
    expect(run.quality?.violations).toEqual(quarantineCodes);
    const report = await readReport(flow.buckets.records, run);
    expect(report).toMatchObject({
      status: 'succeeded',
      extracted,
      loaded: staged,
      filtered,
      quarantined,
      duplicates,
      errors: 0,
      connections: [{ host: 'api.shop.example.com', protocol: 'TLSv1.3', verified: true }],
    });
  });

  it('shows the API the certificate of the fleet and its key', () => {
    const { requests } = shop();
    expect(new Set(requests.map(({ client }) => client))).toEqual(new Set(['etl-orders.example.com']));
    // Busy APIs turn a request away now and then.
    expect(requests.map(({ status }) => status).sort()).toEqual([200, 200, 429]);
  });

  it('puts each order into the Parquet files once, and nobody in clear', async () => {
    const { orders, expected } = shop();
    const rows = await loadedRows();
    const ids = rows.map(({ order_id: id }) => id);
    const wanted = orders.filter(({ fate }) => fate === 'staged');
    expect(ids).toHaveLength(expected.staged);
    expect(new Set(ids)).toEqual(
      new Set(wanted.map(({ record }) => (record as { order_id: string }).order_id)),
    );
    expect(Object.keys(rows[0] ?? {})).not.toContain('card_last4');
    const text = JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    expect(plantedValues(orders).filter((value) => text.includes(value))).toEqual([]);
  });

  it('seals cells that open with the key of the run, each in its own place alone', async () => {
    const rows = await loadedRows();
    const row = rows.find(({ ship_to: cell }) => typeof cell === 'string');
    const sealed = String(row?.ship_to);
    const key = await flow.keys.open({ pipeline: 'orders', keyId: keyIdOf(sealed) });
    expect(key.purpose).toMatchObject({ runId: run.runId, table: 'orders' });
    const address = { pipeline: 'orders', table: 'orders', column: 'ship_to' };
    const opened = decryptCell(sealed, { ...address, rowKey: rowKeyOf([String(row?.order_id)]) }, key);
    const sent = shop().orders.map(({ record }) => record as { order_id?: string; ship_to?: unknown });
    expect(opened).toEqual(sent.find(({ order_id: id }) => id === row?.order_id)?.ship_to);
    const elsewhere = { ...address, rowKey: rowKeyOf(['ORD-00000000']) };
    expect(() => decryptCell(sealed, elsewhere, key)).toThrow(
      expect.objectContaining({ code: 'cell-refused' }),
    );
  });

  it('erases every version of what it read and staged, and keeps a receipt of them', async () => {
    const { work, records } = flow.buckets;
    const left = [...(await flow.versions(work, 'raw/')), ...(await flow.versions(work, 'staged/'))];
    expect(left).toEqual([]);
    const receipt = await json(records, `receipts/orders/${run.runId}.json`);
    const folders = receipt.erased.map(({ key }: { key: string }) => key.split('/')[0]);
    expect(new Set(folders)).toEqual(new Set(['raw', 'staged']));
    expect(receipt.erased).not.toContainEqual(expect.objectContaining({ versionId: '' }));
  });

  it('leaves a record that holds without a network: signature, counts, audit chain', async () => {
    const { records } = flow.buckets;
    const signed = await json(records, `records/orders/${run.runId}.json`);
    const { PublicKey } = await flow.kms.send(
      new GetPublicKeyCommand({ KeyId: 'alias/certfleet-dev-etl-audit' }),
    );
    const spki = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
    const trustedKeys = [trustKey(spki.export({ type: 'spki', format: 'pem' }).toString())];
    const seals = (await flow.versions(records, 'audit/orders/')).filter(({ key }) => /ndjson$/.test(key));
    const sealed = await Promise.all(seals.map(({ key }) => flow.bytes(records, key)));
    const lines = sealed.flatMap((bytes) => bytes.toString('utf8').trimEnd().split('\n'));
    const events = lines.map((line) => JSON.parse(line) as AuditEvent);
    expect(events.map(({ kind }) => kind)).toEqual(['raw-erased', 'committed', 'record-signed']);
    expect(verifyRun(signed, { trustedKeys, events })).toEqual([]);
    expect(signed.record.counts).toEqual(run.books);

    const forged = structuredClone(signed);
    forged.record.counts.quarantined = 0;
    expect(verifyRun(forged, { trustedKeys, events }).map(({ code }) => code)).toContain('signature-invalid');
    const cut = events.filter(({ kind }) => kind !== 'committed');
    expect(verifyRun(signed, { trustedKeys, events: cut }).map(({ code }) => code)).toContain(
      'audit-differs',
    );
  });

  it('lists in its record the certificates it was held to', async () => {
    const signed = await json(flow.buckets.records, `records/orders/${run.runId}.json`);
    const client = new X509Certificate(
      (await stack.stores.vault.readCurrent('etl-orders.example.com'))?.fullchainPem ?? '',
    );
    expect(signed.record.certificates).toContain(client.fingerprint256.replaceAll(':', '').toLowerCase());
  });

  it('tells people once, and nobody of the people in the orders', () => {
    const titles = stack.slack.posts.map(({ text }) => text);
    expect(titles).toHaveLength(1);
    expect(titles[0]).toContain('orders is ready: 973 of 1000 records loaded, 3 quarantined');
    const said = log + JSON.stringify(stack.slack.posts);
    expect(plantedValues(shop().orders).filter((value) => said.includes(value))).toEqual([]);
  });
});

describe('start-etl', () => {
  it('does nothing where the window has its run', async () => {
    const before = shop().requests.length;
    const [again] = await flow.start({ pipeline: 'orders', window });
    expect(again).toMatchObject({ kind: 'exists', runId: run.runId, state: 'reported' });
    expect(await stack.stores.ledger.getRun(run)).toEqual(run);
    await flow.call('report-etl', flow.slotOf('orders', window));
    expect(shop().requests).toHaveLength(before);
    expect(stack.slack.posts).toHaveLength(1);
  });

  it.each([
    [
      'a window off the grid',
      () => ({ pipeline: 'orders', window: moved(60) }),
      /none of the grid.*T\d\d:00/s,
    ],
    ['a window that is not over', () => ({ pipeline: 'orders', window: moved(86_400) }), /not over/],
    ['an unknown pipeline', () => ({ pipeline: 'nothing' }), /no pipeline nothing; .*orders/],
    ['a replay of what was never loaded', () => replayOf(moved(-86_400)), /does not exist/],
  ])('refuses %s', async (_what, event, message) => {
    await expect(flow.start(event())).rejects.toThrow(message);
  });

  it('refuses a definition that is wrong, by pointer, and runs the others all the same', async () => {
    await flow.define({ ...definition, name: 'wrong', transforms: [{ type: 'drop', column: 'nowhere' }] });
    await expect(flow.start({ pipeline: 'wrong' })).rejects.toThrow(/\/transforms\/0/);
    expect(await flow.tick()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ pipeline: 'wrong', opened: 0, problems: [expect.anything()] }),
        expect.objectContaining({ pipeline: 'orders', problems: [] }),
      ]),
    );
  });

  it('checks a definition without keeping anything of it', async () => {
    expect(await flow.call('start-etl', { validate: definition })).toMatchObject({ valid: true });
    const { contract: _, ...broken } = definition;
    expect(await flow.call('start-etl', { validate: broken })).toMatchObject({
      valid: false,
      problems: expect.arrayContaining([expect.objectContaining({ pointer: '/contract' })]),
    });
  });

  it('rehearses a backfill and changes nothing', async () => {
    // What the tick before has sent out is to be over.
    await vi.waitFor(
      async () => expect(await flow.buckets.work.head('expiry/orders.json')).toBeDefined(),
      10_000,
    );
    const before = await flow.snapshot();
    const backfill = { from: moved(-7200).from, to: window.to };
    expect(await flow.start({ pipeline: 'orders', backfill, dryRun: true })).toEqual({
      pipeline: 'orders',
      windows: [expect.any(String), expect.any(String), expect.any(String)],
      problems: [],
      chunks: 1,
    });
    expect(await flow.snapshot()).toEqual(before);
  });
});

it('a worker that is asked for a chunk nobody knows does nothing', async () => {
  const before = await flow.snapshot();
  const chunkId = '00000-0123456789abcdef';
  for (const name of ['extract-records', 'transform-records', 'load-records']) {
    expect(await flow.call(name, { pipeline: 'orders', runId: run.runId, chunkId })).toEqual({
      kind: 'not-taken',
      why: 'chunk-unknown',
    });
  }
  expect(await flow.call('report-etl', { pipeline: 'orders', scopeKey: 'window/none' })).toEqual({
    result: 'no-such-run',
  });
  expect(await flow.snapshot()).toEqual(before);
});

const moved = (seconds: number): Window => ({
  from: new Date(window.from.getTime() + seconds * 1000),
  to: new Date(window.to.getTime() + seconds * 1000),
});
const replayOf = (of: Window) => ({ pipeline: 'orders', replay: { window: of } });
