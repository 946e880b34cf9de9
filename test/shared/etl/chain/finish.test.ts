import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../../../shared/audit/event.ts';
import { trustKey } from '../../../../shared/audit/signer.ts';
import { eraseRaw } from '../../../../shared/etl/chain/erase-raw.ts';
import { finishRun } from '../../../../shared/etl/chain/finish-run.ts';
import { requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import { workKeys } from '../../../../shared/etl/chain/work-objects.ts';
import { verifyRun } from '../../../../shared/etl/run/verify-run.ts';
import { createChainWorld } from '../../../support/chain-world.ts';
import { besideOf, failing, keysOf, request, slotAt, windowAt } from './scene.ts';

type World = ReturnType<typeof createChainWorld>;

const readText = async (world: World, key: string) => {
  const found = await world.buckets.records.read(key);
  return found ? Buffer.concat(await Array.fromAsync(found.bytes)).toString('utf8') : '';
};

/** Every event that was sealed, and how often. */
async function sealedEvents(world: World): Promise<AuditEvent[]> {
  const keys = (await keysOf(world.buckets.records, 'audit/orders/')).filter((key) =>
    key.endsWith('.ndjson'),
  );
  const texts = await Promise.all(keys.map((key) => readText(world, key)));
  return texts
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const finish = (world: World) => world.serve((ports, worker) => finishRun(ports, worker, slotAt()));

describe('what a run has read', () => {
  it('is erased in every version, with delete markers, and with what a zombie has written under its name', async () => {
    const world = createChainWorld();
    const run = await world.until(slotAt(), ['reported']);
    const erase = () => world.ask((ports) => eraseRaw(ports, run));
    const key = `${workKeys.parts(run, 'raw')}00000/extract-9/00000`;
    for (let version = 0; version < 2; version += 1) {
      await world.buckets.work.create({ key, body: Buffer.from('late') });
      await world.buckets.work.deleteLatest(key);
    }
    expect(await keysOf(world.buckets.work, 'raw/')).toHaveLength(4);
    const before = await readText(world, `receipts/orders/${run.runId}.json`);
    expect(await erase()).toBe(JSON.parse(before).erased.length);
    expect(await keysOf(world.buckets.work, 'raw/')).toEqual([]);
    expect(await readText(world, `receipts/orders/${run.runId}.json`)).toBe(before);
  });

  it('of a run beside it is left alone', async () => {
    const world = createChainWorld();
    const key = 'raw/orders/another-run/00000/extract-1/00000';
    await world.buckets.work.create({ key, body: Buffer.from('mine') });
    await world.until(slotAt(), ['reported']);
    expect(await keysOf(world.buckets.work, 'raw/')).toEqual([key]);
  });
});

describe('finishing a run', () => {
  it('twice at once is done by one of them', async () => {
    const world = createChainWorld();
    const states: unknown[] = [];
    await world.until(slotAt(), ['reported']);
    await request(world, 'supersede');
    await Promise.all([finish(world), finish(world)]);
    states.push((await world.ledger.getRun(slotAt()))?.state);
    expect(states).toEqual(['reported']);
    expect(world.reports).toHaveLength(2);
    expect(world.unexpected).toEqual([]);
  });

  it('for longer than its lease, with another who comes meanwhile, proves it once', async () => {
    let isSlow = true;
    const world: World = createChainWorld({
      targets: (table) => [
        table,
        besideOf({
          async finish() {
            if (!isSlow) return;
            isSlow = false;
            world.clock.advance(61_000);
            await finish(world);
          },
        }),
      ],
    });
    const run = await world.until(slotAt(), ['reported']);
    const events = (await Array.fromAsync(world.audit.read('orders', 0))).map(({ kind }) => kind);
    expect(events).toEqual(['raw-erased', 'committed', 'record-signed']);
    expect(await keysOf(world.buckets.records, 'records/')).toEqual([`records/orders/${run.runId}.json`]);
    expect(world.unexpected).toEqual([]);
  });

  it('that nobody may yet does not take a run from those whose turn it is', async () => {
    let isDown = false;
    const world = createChainWorld({
      beforeGate: async () => {
        if (isDown) throw failing('retry', 'vault-unavailable');
      },
    });
    await world.until(slotAt(), ['reported']);
    isDown = true;
    await expect(request(world, 'supersede')).rejects.toMatchObject({ code: 'vault-unavailable' });
    const before = await world.ledger.getRun(slotAt());
    expect(before).toMatchObject({ state: 'checking' });
    // A message about the run that was superseded, which comes late.
    await finish(world);
    expect(await world.ledger.getRun(slotAt())).toEqual(before);
  });
});

describe('the proof of runs of one pipeline', () => {
  it('that come to their end at the same time is whole, and their audit chain sealed without a gap', async () => {
    const world = createChainWorld();
    const backfill = { from: windowAt(-3).from, to: windowAt(0).to };
    await world.serve((ports, worker) =>
      requestRuns(ports, worker, { pipeline: 'orders', backfill, existing: 'leave' }),
    );
    world.clock.advance(120_000);
    await world.tickAlone();
    // All of the four are worked on at once, message by message.
    while (world.messages.length > 0) {
      const wave = world.messages.splice(0);
      await Promise.all(
        wave.map(async (message) => {
          world.messages.push(message);
          await world.deliver();
        }),
      );
    }
    for (const hours of [-3, -2, -1, 0]) await world.until(slotAt(hours), ['reported']);
    const sealed = await sealedEvents(world);
    const recorded = await Array.fromAsync(world.audit.read('orders', 0));
    expect(new Set(sealed.map(({ seq }) => seq))).toEqual(new Set(recorded.map(({ seq }) => seq)));
    expect(recorded.filter(({ kind }) => kind === 'record-signed')).toHaveLength(4);
    for (const hours of [-3, -2, -1, 0]) {
      const { runId = '' } = (await world.ledger.getRun(slotAt(hours))) ?? {};
      const record = JSON.parse(await readText(world, `records/orders/${runId}.json`));
      const trustedKeys = [trustKey(world.publicKeyPem)];
      expect(verifyRun(record, { trustedKeys, events: recorded })).toEqual([]);
    }
  });
});
