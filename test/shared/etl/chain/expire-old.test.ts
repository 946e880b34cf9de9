import { describe, expect, it } from 'vitest';
import { carry } from '../../../../shared/etl/chain/carry.ts';
import { expireOld } from '../../../../shared/etl/chain/expire-old.ts';
import type { FinishPorts, Worker } from '../../../../shared/etl/chain/ports.ts';
import { type RunRequest, requestRuns } from '../../../../shared/etl/chain/request-runs.ts';
import { tick } from '../../../../shared/etl/chain/tick.ts';
import { createS3Destination } from '../../../../shared/etl/destinations/s3/destination.ts';
import { createMemoryObjectStore } from '../../../../shared/etl/objects/store.memory.ts';
import { scopeKey } from '../../../../shared/etl/run/scope.ts';
import type { Failure } from '../../../../shared/runtime/errors.ts';
import { type ChainWorld, createChainWorld, windowOfScene } from '../../../support/chain-world.ts';
import { aChainDefinition } from '../../../support/etl-orders.ts';

const slot = { pipeline: 'orders', scopeKey: scopeKey({ kind: 'window', ...windowOfScene }) };
const hourMillis = 3_600_000;

/** A pipeline whose runs are asked for alone, so that the hours that pass open no others. */
const aWorld = (changes: Record<string, unknown> = {}) =>
  createChainWorld({
    definition: aChainDefinition({ window: { everySeconds: 3600, automatic: false }, ...changes }),
  });
/** Fails when everything is transformed, since the scene has bad rows. */
const failing = { quarantine: { failOn: 'first' } };

/** What a request answers, or the code it is refused with. */
async function request(world: ChainWorld, existing: RunRequest['existing']) {
  let answer: unknown;
  await world.serve(async (ports, worker) => {
    answer = await requestRuns(ports, worker, { pipeline: 'orders', window: windowOfScene, existing }).catch(
      (error: unknown) => (error as Failure).code,
    );
  });
  return answer;
}

async function expire(world: ChainWorld, changes: Partial<FinishPorts> = {}) {
  const run = await world.ledger.getRun(slot);
  let answer: unknown;
  await world.serve(async (ports, worker: Worker) => {
    const of = { pipeline: 'orders', configHash: run?.configHash ?? '' };
    answer = await expireOld({ ...ports, ...changes }, worker, of);
  });
  return answer;
}

async function run(world: ChainWorld) {
  await request(world, 'leave');
  await world.live();
  return world.ledger.getRun(slot);
}

const countOf = async (store: ChainWorld['buckets']['work'], prefix: string) =>
  (await Array.fromAsync(store.listVersions(prefix))).length;
const never = (): never => {
  throw new Error('nobody asks for this');
};
const rawOf = async ({ buckets }: ChainWorld) =>
  (await countOf(buckets.work, 'raw/orders/')) + (await countOf(buckets.work, 'staged/orders/'));
const expiredOf = async ({ audit }: ChainWorld) =>
  (await Array.fromAsync(audit.read('orders', 0))).filter(({ kind }) => kind === 'expired');

describe('what a failed run has read', () => {
  it('stays for rawHours, goes by the tick of the hour after, and is put on record', async () => {
    const world = aWorld({ ...failing, retention: { rawHours: 5 } });
    expect(await run(world)).toMatchObject({ state: 'failed' });
    const left = await rawOf(world);
    expect(left).toBeGreaterThan(3);
    world.clock.advance(4 * hourMillis);
    await world.tick();
    expect(await rawOf(world)).toBe(left);
    world.clock.advance(2 * hourMillis);
    await world.tick();
    expect(await rawOf(world)).toBe(0);
    expect(await expiredOf(world)).toMatchObject([{ facts: { of: 'raw', versions: left, runs: 1 } }]);
    expect(world.unexpected).toEqual([]);
  });

  it('cannot be gone on with once it is gone, but superseded', async () => {
    const world = aWorld(failing);
    await run(world);
    world.clock.advance(25 * hourMillis);
    await world.tick();
    expect(await rawOf(world)).toBe(0);
    expect(await request(world, 'resume')).toBe('raw-expired');
    expect(await world.ledger.getRun(slot)).toMatchObject({ state: 'failed' });
    expect(await request(world, 'supersede')).toMatchObject([{ kind: 'superseded' }]);
  });

  it('fails whoever goes on when its bucket has erased it by a rule of its own', async () => {
    const { contract } = aChainDefinition() as { contract: object };
    const world = aWorld({ contract: { ...contract, types: 'freeze' } });
    await run(world);
    const { work } = world.buckets;
    for (const part of ['raw/', 'staged/'])
      for await (const { key, versionId } of work.listVersions(part))
        await work.deleteVersion(key, versionId);
    expect(await request(world, 'resume')).toMatchObject([{ kind: 'resumed' }]);
    await world.live();
    expect(await world.ledger.getRun(slot)).toMatchObject({
      state: 'failed',
      failure: { code: 'raw-expired', class: 'terminal' },
    });
  });

  it('stays as long as the run is on its way', async () => {
    const world = aWorld();
    await request(world, 'leave');
    const first = world.messages.find(({ kind }) => kind === 'carry');
    if (first?.kind !== 'carry') return never();
    await world.serve((ports, worker) => carry(ports, worker, first.ref));
    const left = await rawOf(world);
    expect(left).toBeGreaterThan(0);
    world.clock.advance(100 * hourMillis);
    expect(await expire(world)).toEqual({ raw: 0, quarantine: 0, loaded: 0 });
    expect(await rawOf(world)).toBe(left);
  });
});

describe('what was set aside', () => {
  it('stays for quarantineDays and then goes', async () => {
    const world = aWorld({ retention: { quarantineDays: 2 } });
    expect(await run(world)).toMatchObject({ state: 'reported' });
    const left = await countOf(world.buckets.quarantine, '');
    expect(left).toBeGreaterThan(0);
    world.clock.advance(47 * hourMillis);
    expect(await expire(world)).toMatchObject({ quarantine: 0 });
    world.clock.advance(2 * hourMillis);
    expect(await expire(world)).toMatchObject({ quarantine: left });
    expect(await countOf(world.buckets.quarantine, '')).toBe(0);
    expect(await expiredOf(world)).toMatchObject([{ facts: { of: 'quarantine', versions: left } }]);
  });
});

describe('what was loaded', () => {
  it.each([
    [{}, 0],
    [{ retention: { loadedDays: 3 } }, 3],
  ])('goes by %j from files, through no gate', async (changes, expected) => {
    const world = aWorld(changes);
    await run(world);
    const objects = createMemoryObjectStore(world.clock);
    const parts = ['load=', '_loads/'].map((kind) => `orders/${kind}${'a'.repeat(64)}`);
    await objects.create({ key: `${parts[0]}/part-00000-0000.ndjson`, body: Buffer.from('{}') });
    await objects.create({ key: `${parts[0]}/part-00001-0000.ndjson`, body: Buffer.from('{}') });
    await objects.create({ key: `${parts[1]}.json`, body: Buffer.from('{}') });
    const ends: FinishPorts['ends'] = {
      source: never,
      destinations: async ({ destinations }) =>
        destinations.map((definition) =>
          definition.type === 's3'
            ? createS3Destination({ definition, objects, clock: world.clock })
            : never(),
        ),
    };
    world.clock.advance(71 * hourMillis);
    expect(await expire(world, { ends })).toMatchObject({ loaded: 0 });
    world.clock.advance(2 * hourMillis);
    expect(await expire(world, { ends })).toMatchObject({ loaded: expected });
    expect(await countOf(objects, '')).toBe(3 - expected);
    expect(await expiredOf(world)).toHaveLength(expected > 0 ? 1 : 0);
  });
});

describe('retention', () => {
  it('is seen to once an hour, however many ticks there are and however many ask at once', async () => {
    const world = aWorld();
    await run(world);
    world.clock.advance(hourMillis);
    for (let count = 0; count < 3; count += 1) await world.serve((ports, worker) => tick(ports, worker));
    expect(world.messages.filter(({ kind }) => kind === 'expire')).toHaveLength(3);
    const answers = await Promise.all([expire(world), expire(world), expire(world)]);
    expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
    world.messages.length = 0;
    world.clock.advance(hourMillis - 1);
    await world.serve((ports, worker) => tick(ports, worker));
    expect(world.messages).toEqual([]);
  });

  it('leaves other pipelines alone whose names begin alike', async () => {
    const world = aWorld(failing);
    await run(world);
    const { work, quarantine } = world.buckets;
    await work.create({ key: 'raw/orders-eu/run/chunk/part', body: Buffer.from('x') });
    await quarantine.create({ key: 'orders-eu/load/run/part', body: Buffer.from('x') });
    world.clock.advance(1000 * hourMillis);
    await expire(world);
    expect(await rawOf(world)).toBe(0);
    expect(await countOf(work, 'raw/orders-eu/')).toBe(1);
    expect(await countOf(quarantine, 'orders-eu/')).toBe(1);
  });
});
