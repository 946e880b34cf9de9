import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../../../shared/audit/event.ts';
import { verifyChain } from '../../../../shared/audit/verify-chain.ts';
import { sealAudit } from '../../../../shared/etl/chain/seal-audit.ts';
import { workKeys } from '../../../../shared/etl/chain/work-objects.ts';
import type { Run } from '../../../../shared/etl/ledger/run.ts';
import { type ChainWorld, createChainWorld } from '../../../support/chain-world.ts';
import { keysOf, request, slotAt } from './scene.ts';

const pointerKey = 'audit/orders/sealed.json';
const receiptKey = ({ runId }: Run) => `receipts/orders/${runId}.json`;

async function readText({ buckets: { records } }: ChainWorld, key: string): Promise<string> {
  const found = await records.read(key);
  return Buffer.concat(await Array.fromAsync(found?.bytes ?? [])).toString('utf8');
}

/** Puts an object where the chain has one, or will have. */
async function forge({ buckets: { records } }: ChainWorld, key: string, text: string): Promise<void> {
  const there = await records.head(key);
  const upload = { key, body: Buffer.from(text) };
  expect(await (there ? records.replace(upload, there.etag) : records.create(upload))).toBeDefined();
}

/** The run of the scene's window, before it has done anything. */
async function opened(world: ChainWorld): Promise<Run> {
  await world.tickAlone();
  const run = await world.ledger.getRun(slotAt());
  if (!run) throw new Error('no run was opened');
  return run;
}

const eventsOf = (world: ChainWorld) => Array.fromAsync(world.audit.read('orders', 0));

async function sealedEvents(world: ChainWorld): Promise<AuditEvent[]> {
  const keys = (await keysOf(world.buckets.records, 'audit/orders/')).filter((key) => /ndjson$/.test(key));
  const texts = await Promise.all(keys.sort().map((key) => readText(world, key)));
  const events: AuditEvent[] = texts
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return [...new Map(events.map((event) => [event.seq, event])).values()];
}

describe('a record that somebody wrote in advance', () => {
  it('fails the run, people hear of it, and another run may take its place', async () => {
    const world = createChainWorld();
    const { runId } = await opened(world);
    await forge(world, `records/orders/${runId}.json`, '{"record":{},"signature":{}}');
    const run = await world.until(slotAt(), ['failed', 'reported']);
    expect(run.failure?.code).toBe('record-exchanged');
    await world.live();
    expect(world.reports.map(({ status }) => status)).toEqual(['failed']);
    await request(world, 'supersede');
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ books: { extracted: 72 } });
  });

  it('is not taken for proof where a report lies there as well', async () => {
    const world = createChainWorld();
    const { runId } = await opened(world);
    await forge(world, `reports/orders/${runId}/succeeded.json`, '{}');
    await forge(world, `records/orders/${runId}.json`, '{"record":{},"signature":{}}');
    expect((await world.until(slotAt(), ['failed', 'reported'])).failure?.code).toBe('record-exchanged');
  });
});

describe('receipts of erasure', () => {
  it('and reports cannot be deleted', async () => {
    const world = createChainWorld();
    const run = await world.until(slotAt(), ['reported']);
    const { records } = world.buckets;
    for (const key of [receiptKey(run), `reports/orders/${run.runId}/succeeded.json`]) {
      const { versionId = '' } = (await records.head(key)) ?? {};
      await expect(records.deleteVersion(key, versionId), key).rejects.toThrow('locked');
    }
  });

  it('that list what another run has read erase nothing', async () => {
    const world = createChainWorld();
    const run = await opened(world);
    const key = `${workKeys.parts({ ...run, runId: 'another-run' }, 'raw')}00000/extract-1/00000`;
    const version = await world.buckets.work.create({ key, body: Buffer.from('mine') });
    const erased = [{ key, versionId: version?.versionId }];
    await forge(world, receiptKey(run), JSON.stringify({ runId: run.runId, erased }));
    expect((await world.until(slotAt(), ['failed', 'reported'])).failure?.code).toBe('receipt-exchanged');
    expect(await keysOf(world.buckets.work, key)).toEqual([key]);
  });

  it.each(['Jane Doe', '{"erased":[]}', '{"runId":"another","erased":[]}'])(
    'that are none of this run fail it: %s',
    async (text) => {
      const world = createChainWorld();
      await forge(world, receiptKey(await opened(world)), text);
      expect((await world.until(slotAt(), ['failed', 'reported'])).failure?.code).toBe('receipt-exchanged');
    },
  );
});

describe('what says how far the audit chain is sealed', () => {
  it.each([
    '{"seq":9007199254740991,"hash":"LAST"}',
    '{"seq":9007199254740993,"hash":"LAST"}',
    '{"seq":4,"hash":"LAST"}',
    '{"seq":2,"hash":"LAST"}',
    '{"seq":0,"hash":"LAST"}',
    '{"seq":3}',
    'Jane Doe',
  ])('and is %s is not believed: sealing goes on, and it is on record', async (text) => {
    const world = createChainWorld();
    await world.until(slotAt(), ['reported']);
    const hash = (await eventsOf(world)).at(-1)?.hash ?? '';
    expect(JSON.parse(await readText(world, pointerKey))).toEqual({ seq: 3, hash });
    await forge(world, pointerKey, text.replace('LAST', hash));
    await world.until(slotAt(1), ['reported']);
    const events = await eventsOf(world);
    expect(events.filter(({ kind }) => kind === 'audit-seal-exchanged')).toHaveLength(1);
    const sealed = await sealedEvents(world);
    expect(sealed.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
    expect(verifyChain(sealed, { head: await world.audit.head('orders') })).toMatchObject({ intact: true });
    expect(JSON.parse(await readText(world, pointerKey))).toEqual({
      seq: events.length,
      hash: events.at(-1)?.hash,
    });
  });

  it('is believed as of an earlier seal: what is sealed twice does no harm', async () => {
    const world = createChainWorld();
    await world.until(slotAt(), ['reported']);
    const [{ seq, hash } = { seq: 0, hash: '' }] = await eventsOf(world);
    await forge(world, pointerKey, JSON.stringify({ seq, hash }));
    await world.until(slotAt(1), ['reported']);
    const events = await eventsOf(world);
    expect(events.map(({ kind }) => kind)).not.toContain('audit-seal-exchanged');
    expect((await sealedEvents(world)).map((event) => event.seq)).toEqual(events.map((event) => event.seq));
  });

  it('does not keep people from hearing of a run that fails', async () => {
    const world = createChainWorld();
    const run = await opened(world);
    await forge(world, pointerKey, '{"seq":1000000}');
    await forge(world, receiptKey(run), '{}');
    await world.until(slotAt(), ['failed']);
    await world.live();
    expect(world.reports.map(({ status }) => status)).toEqual(['failed']);
    expect((await sealedEvents(world)).map(({ kind }) => kind)).toEqual(['failed', 'audit-seal-exchanged']);
  });
});

describe('a long chain', () => {
  it('is sealed in objects that fit into memory, once however often', async () => {
    const world = createChainWorld();
    for (let number = 1; number <= 2_001; number += 1)
      await world.audit.append('orders', { id: `${number}`, kind: 'held', at: new Date(0), facts: {} });
    const seals = async () =>
      (await keysOf(world.buckets.records, 'audit/orders/')).filter((key) => /ndjson$/.test(key));
    const seal = () => world.ask((ports) => sealAudit(ports, { chain: 'orders', name: 'run' }));
    await seal();
    const kept = await seals();
    expect(kept.map((key) => key.split('/').at(-1)?.slice(0, 16))).toEqual([
      '000000000001-run',
      '000000002001-run',
    ]);
    expect(await sealedEvents(world)).toHaveLength(2_001);
    // A worker that ended before it said so: another finds the same there.
    await forge(
      world,
      pointerKey,
      JSON.stringify({ seq: 2_000, hash: (await eventsOf(world))[1_999]?.hash }),
    );
    await seal();
    expect(await seals()).toEqual(kept);
  });

  it('is not taken for sealed by what somebody wrote in the place of a seal', async () => {
    const world = createChainWorld();
    await world.audit.append('orders', { id: '1', kind: 'held', at: new Date(0), facts: {} });
    const seal = () => world.ask((ports) => sealAudit(ports, { chain: 'orders', name: 'run' }));
    await seal();
    const { records } = world.buckets;
    const [key = ''] = (await keysOf(records, 'audit/orders/')).filter((each) => /ndjson$/.test(each));
    await forge(world, key, 'Jane Doe');
    await records.deleteLatest(pointerKey);
    await expect(seal()).rejects.toMatchObject({
      code: 'audit-seal-exchanged',
      disposition: 'give-up',
      message: expect.stringContaining(key),
    });
  });
});
