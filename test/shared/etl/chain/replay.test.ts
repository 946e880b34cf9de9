import { describe, expect, it } from 'vitest';
import { foldReplays } from '../../../../shared/etl/chain/fold-replays.ts';
import { requestReplay } from '../../../../shared/etl/chain/request-runs.ts';
import type { LoadRequest } from '../../../../shared/etl/destinations/destination.ts';
import type { Run } from '../../../../shared/etl/ledger/run.ts';
import { loadIdAt } from '../../../../shared/etl/run/scope.ts';
import { createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition } from '../../../support/etl-orders.ts';
import {
  besideOf,
  corrected,
  failing,
  keysOf,
  replay,
  replaySlot,
  request,
  slotAt,
  windowAt,
} from './scene.ts';

const better = aChainDefinition(corrected);
type World = ReturnType<typeof createChainWorld>;

async function loaded(world: World): Promise<Run> {
  return world.until(slotAt(), ['reported']);
}

async function replayed(world: World, { loadId }: Run, round: number): Promise<Run> {
  await replay(world);
  return world.until(replaySlot(loadId, round), ['reported', 'failed']);
}

/** A target that keeps each load apart, as files do. */
function createFiles() {
  const loads = new Map<string, Map<string, number>>();
  const files = besideOf({
    async load({ chunk: { loadId, chunkId }, parts }: LoadRequest) {
      const rows = parts.reduce((sum, part) => sum + part.rows, 0);
      loads.set(loadId, (loads.get(loadId) ?? new Map()).set(chunkId, rows));
      return { inserted: rows, updated: 0, unchanged: 0 };
    },
    async finish({ loadId, chunkIds }) {
      const chunks = loads.get(loadId) ?? new Map();
      for (const id of chunks.keys()) if (!chunkIds.includes(id)) chunks.delete(id);
    },
  });
  const rows = () =>
    [...loads.values()].flatMap((load) => [...load.values()]).reduce((sum, count) => sum + count, 0);
  return { files, rows };
}

describe('a replay', () => {
  it('puts what can be read now into the target, keeps what still cannot, and folds into the books', async () => {
    const world = createChainWorld();
    const load = await loaded(world);
    expect(await keysOf(world.buckets.quarantine)).toHaveLength(3);
    world.catalogue.set('orders', better);
    const first = await replayed(world, load, 1);
    expect(first).toMatchObject({ state: 'reported', trigger: 'replay' });
    expect(first.books).toMatchObject({ extracted: 18, quarantined: 9, inserted: 9 });
    expect(world.target.rows()).toHaveLength(45);
    const left = await keysOf(world.buckets.quarantine);
    expect(left.every((key) => key.startsWith(`orders/${load.loadId}/${first.runId}/`))).toBe(true);

    const second = await replayed(world, load, 2);
    expect(second.books).toMatchObject({ extracted: 9, quarantined: 9, inserted: 0 });
    expect(await foldReplays({ ledger: world.ledger }, second)).toEqual({
      extracted: 72,
      filtered: 9,
      quarantined: 9,
      duplicates: 9,
      staged: 45,
      inserted: 45,
      updated: 0,
      unchanged: 0,
    });
    expect(await keysOf(world.buckets.quarantine)).toHaveLength(left.length);
    expect(world.unexpected).toEqual([]);
  });

  it('of nothing comes to its end at once', async () => {
    const definition = aChainDefinition({ quarantine: { failOn: 'never' } });
    const world = createChainWorld({ definition });
    const load = await loaded(world);
    for (const key of await keysOf(world.buckets.quarantine))
      for await (const { versionId } of world.buckets.quarantine.listVersions(key))
        await world.buckets.quarantine.deleteVersion(key, versionId);
    expect(await replayed(world, load, 1)).toMatchObject({ state: 'reported', books: { extracted: 0 } });
  });

  it('is refused before its load was reported, and where there is none', async () => {
    const world = createChainWorld();
    await expect(replay(world)).rejects.toMatchObject({ code: 'run-unknown' });
    await world.tickAlone();
    await expect(replay(world)).rejects.toMatchObject({ code: 'run-not-ready' });
  });

  it('that has failed is done again, and reads nothing that the failed one has left behind', async () => {
    let isBroken = false;
    const world = createChainWorld({
      targets: (table) => [
        {
          ...table,
          async load(request) {
            if (isBroken && request.chunk.ordinal === 2) throw failing('give-up', 'target-refused');
            return table.load(request);
          },
        },
      ],
    });
    const load = await loaded(world);
    isBroken = true;
    const failed = await replayed(world, load, 1);
    expect(failed).toMatchObject({ state: 'failed', failedIn: 'loading' });
    expect((await keysOf(world.buckets.quarantine)).some((key) => key.includes(failed.runId))).toBe(true);
    isBroken = false;
    world.catalogue.set('orders', better);
    const again = await replayed(world, load, 1);
    expect(again).toMatchObject({ state: 'reported', books: { extracted: 18, quarantined: 9 } });
    expect(world.target.rows()).toHaveLength(45);
    const left = await keysOf(world.buckets.quarantine);
    expect(left.length).toBeGreaterThan(0);
    expect(left.every((key) => key.includes(again.runId))).toBe(true);
  });

  it('that could not be finished is brought to its end, and not read again', async () => {
    let isBroken = false;
    const finish = async () => {
      if (isBroken) throw failing('give-up', 'aggregation-refused');
    };
    const world = createChainWorld({ targets: (table) => [table, besideOf({ finish })] });
    const load = await loaded(world);
    isBroken = true;
    const failed = await replayed(world, load, 1);
    expect(failed).toMatchObject({ state: 'failed', failedIn: 'loaded' });
    isBroken = false;
    const done = await replayed(world, load, 1);
    expect(done).toMatchObject({ state: 'reported', runId: failed.runId });
  });
});

describe('what a dying worker has left in quarantine', () => {
  it('is not replayed beside what its successor has set aside, and goes with the replay', async () => {
    const world = createChainWorld();
    const load = await loaded(world);
    const [key = ''] = await keysOf(world.buckets.quarantine);
    const orphan = key.replace('/transform-', '/transform-9');
    await world.buckets.quarantine.create({ key: orphan, body: Buffer.from('sealed by nobody') });
    world.catalogue.set('orders', better);
    expect(await replayed(world, load, 1)).toMatchObject({ state: 'reported', books: { extracted: 18 } });
    expect(await keysOf(world.buckets.quarantine)).not.toContain(orphan);
  });
});

describe('a load that is superseded', () => {
  it('leaves the rows, the quarantine and the records of the new run, and the old record', async () => {
    const world = createChainWorld();
    const old = await loaded(world);
    world.catalogue.set('orders', better);
    await request(world, 'supersede');
    const next = await loaded(world);
    expect(next.loadId).toBe(old.loadId);
    expect(next.books).toMatchObject({ extracted: 72, quarantined: 9, filtered: 0 });
    expect(world.target.chunksOf(loadIdAt(world.target.name, old.loadId))).toHaveLength(3);
    expect(world.target.rows()).toHaveLength(54);
    const aside = await keysOf(world.buckets.quarantine);
    expect(aside.length).toBeGreaterThan(0);
    expect(aside.every((key) => key.includes(next.runId))).toBe(true);
    for (const kind of ['records', 'receipts'])
      expect(await keysOf(world.buckets.records, `${kind}/orders/`)).toHaveLength(2);
  });

  it('can be replayed again, counted from its own quarantine', async () => {
    const world = createChainWorld();
    const old = await loaded(world);
    world.catalogue.set('orders', better);
    await replayed(world, old, 1);
    await request(world, 'supersede');
    const next = await loaded(world);
    const second = await replayed(world, next, 2);
    expect(second).toMatchObject({ state: 'reported', books: { extracted: 9, quarantined: 9 } });
    expect(await foldReplays({ ledger: world.ledger }, second)).toMatchObject({
      extracted: 72,
      quarantined: 9,
      staged: 54,
    });
  });

  it('takes what was replayed of it out of targets that keep loads apart', async () => {
    const { files, rows } = createFiles();
    const world = createChainWorld({ targets: () => [files] });
    const old = await loaded(world);
    expect(rows()).toBe(36);
    world.catalogue.set('orders', better);
    await replayed(world, old, 1);
    expect(rows()).toBe(45);
    await request(world, 'supersede');
    await loaded(world);
    expect(rows()).toBe(54);
  });

  it('meanwhile voids a replay of what it had set aside before', async () => {
    const world = createChainWorld();
    const old = await loaded(world);
    world.clock.advance(1000);
    // The replay is planned, and nobody works on it until the load has been done anew.
    await world.serve((ports, worker) =>
      requestReplay(ports, worker, { pipeline: 'orders', window: windowAt(0) }),
    );
    const waiting = world.messages.splice(0);
    expect(waiting).toHaveLength(3);
    world.catalogue.set('orders', better);
    await request(world, 'supersede');
    await loaded(world);
    world.messages.push(...waiting);
    await world.deliver();
    const voided = await world.until(replaySlot(old.loadId, 1), ['failed']);
    expect(['load-superseded', 'work-object-missing']).toContain(voided.failure?.code);
    expect(world.target.rows()).toHaveLength(54);
    // And the next one replays the new load.
    const again = await replayed(world, old, 1);
    expect(again).toMatchObject({ state: 'reported', books: { extracted: 9 } });
  });
});
