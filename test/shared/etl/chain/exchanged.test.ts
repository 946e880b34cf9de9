import { describe, expect, it } from 'vitest';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import type { Stage } from '../../../../shared/etl/ledger/run.ts';
import type { ObjectStore } from '../../../../shared/etl/objects/object-store.ts';
import { type ChainWorld, createChainWorld } from '../../../support/chain-world.ts';
import { aChainDefinition, createSceneSource } from '../../../support/etl-orders.ts';
import { besideOf, keysOf, request, slotAt } from './scene.ts';

async function rewrite(store: ObjectStore, key: string, change: (text: string) => string): Promise<void> {
  const found = await store.read(key);
  if (!found) throw new Error(`nothing lies under ${key}`);
  const text = Buffer.concat(await Array.fromAsync(found.bytes)).toString('utf8');
  const written = await store.replace({ key, body: Buffer.from(change(text)) }, found.object.etag);
  expect(written).toBeDefined();
}

/** Ticks without delivering what they send, until the run has chunks. */
async function begun(world: ChainWorld): Promise<void> {
  await world.tickAlone();
  world.clock.advance(121_000);
  await world.tickAlone();
  expect((await world.ledger.getRun(slotAt()))?.state).toBe('extracting');
}

const only = async (store: ObjectStore, prefix: string): Promise<string> => {
  const [key, ...others] = await keysOf(store, prefix);
  expect(others).toEqual([]);
  return key ?? '';
};

/** Carries what waits for a stage, and leaves what it sends. */
async function carried(world: ChainWorld, stage: Stage): Promise<void> {
  for (const message of world.messages.splice(0))
    if (message.kind === 'carry' && message.stage === stage)
      await world.serve((ports, worker) => carry(ports, worker, message.ref));
}

describe('a run whose objects somebody writes over', () => {
  it('does not go on by a definition that leaves personal data in the clear', async () => {
    const world = createChainWorld();
    await begun(world);
    const key = await only(world.buckets.work, 'definitions/');
    await rewrite(world.buckets.work, key, (text) =>
      text
        .replace('{"type":"hash_pii","column":"email","kind":"email"},', '')
        .replaceAll('"pii"', '"internal"'),
    );
    const run = await world.until(slotAt(), ['failed', 'reported']);
    expect(run.failure?.code).toBe('work-object-exchanged');
    expect(world.target.rows()).toEqual([]);
  });

  it('does not come to its end by an index that leaves out what was set aside', async () => {
    const world = createChainWorld({ source: createSceneSource({ chunks: 1, records: 24, batch: 8 }) });
    await begun(world);
    await carried(world, 'extract');
    await carried(world, 'transform');
    const keys = await keysOf(world.buckets.work, 'indexes/');
    const key = keys.find((each) => each.includes('/transform-')) ?? '';
    await rewrite(world.buckets.work, key, (text) =>
      text.replace(/"quarantined":\[.+?\]/, '"quarantined":[]'),
    );
    const run = await world.until(slotAt(), ['failed', 'reported']);
    expect(run.failure?.code).toBe('work-object-exchanged');
    expect(await keysOf(world.buckets.quarantine)).not.toEqual([]);
  });

  it('fails by a plan that lists other slices than were fixed, and people hear of it', async () => {
    const world = createChainWorld();
    await begun(world);
    const key = await only(world.buckets.work, 'plans/');
    await rewrite(world.buckets.work, key, (text) => text.replace('"from":"1"', '"from":"7"'));
    const run = await world.until(slotAt(), ['failed', 'reported']);
    expect(run.failure?.code).toBe('work-object-exchanged');
    await world.live();
    expect(world.reports.map(({ status }) => status)).toEqual(['failed']);
  });

  it('fails where its definition is gone, instead of being sent out for ever, and may be superseded', async () => {
    const world = createChainWorld();
    await begun(world);
    const { work } = world.buckets;
    for await (const { key, versionId } of work.listVersions('definitions/'))
      await work.deleteVersion(key, versionId);
    world.catalogue.set('orders', aChainDefinition({ description: 'a later one' }));
    const run = await world.until(slotAt(), ['failed']);
    expect(run).toMatchObject({ failedIn: 'extracting', failure: { code: 'work-object-missing' } });
    await request(world, 'supersede');
    expect(await world.until(slotAt(), ['reported'])).toMatchObject({ books: { extracted: 72 } });
  });
});

describe('a load with several destinations', () => {
  it('is known to each by an id of its own, which stays when another is added', async () => {
    const ids = new Map<string, Set<string>>();
    const noted = (name: string) =>
      besideOf({
        name,
        load: async ({ chunk, parts }) => {
          ids.set(name, (ids.get(name) ?? new Set()).add(chunk.loadId));
          return { inserted: parts.reduce((sum, part) => sum + part.rows, 0), updated: 0, unchanged: 0 };
        },
        finish: async ({ loadId }) => void ids.get(name)?.add(loadId),
      });
    const names = ['first'];
    const world = createChainWorld({ targets: () => names.map(noted) });
    await world.until(slotAt(), ['reported']);
    names.push('second');
    const more = [
      { type: 's3', table: 'orders' },
      { type: 's3', table: 'copies' },
    ];
    world.catalogue.set('orders', aChainDefinition({ destinations: more }));
    await request(world, 'supersede');
    await world.until(slotAt(), ['reported']);
    const [first, second] = names.map((name) => [...(ids.get(name) ?? [])]);
    expect(first).toHaveLength(1);
    expect(second).toHaveLength(1);
    expect(second).not.toEqual(first);
  });
});
