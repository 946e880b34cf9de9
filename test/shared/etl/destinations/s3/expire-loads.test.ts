import { beforeEach, describe, expect, it } from 'vitest';
import { createS3Destination } from '../../../../../shared/etl/destinations/s3/destination.ts';
import { createMemoryObjectStore } from '../../../../../shared/etl/objects/store.memory.ts';
import { createFakeClock } from '../../../../support/fake-clock.ts';
import { aFinish, aRequest, aRow, neverAborted, runIdOf } from '../builders.ts';

const dayMillis = 86_400_000;
const loadIdOf = (letter: string) => letter.repeat(64);

let clock: ReturnType<typeof createFakeClock>;
let objects: ReturnType<typeof createMemoryObjectStore>;
beforeEach(() => {
  clock = createFakeClock(new Date('2026-11-01T00:00:00Z'));
  objects = createMemoryObjectStore(clock);
});
const aTable = (table = 'orders') =>
  createS3Destination({
    definition: { type: 's3', prefix: 'shop/', table, format: 'ndjson' },
    objects,
    clock,
  });

async function load(
  letter: string,
  { rows = 2, run = 1, table = 'orders' }: { rows?: number; run?: number; table?: string } = {},
): Promise<void> {
  const by = { loadId: loadIdOf(letter), runId: runIdOf(run) };
  const cells = Array.from({ length: rows }, (_, index) => aRow({ id: `o-${run}-${index}`, amount: index }));
  await aTable(table).load(aRequest(cells, { by }));
  await aTable(table).finish(aFinish(by));
}

const expire = async (days: number, table = 'orders') =>
  aTable(table).expire?.(new Date(clock.now().getTime() - days * dayMillis), neverAborted);
const keys = async () => (await Array.fromAsync(objects.listVersions(''))).map(({ key }) => key);

describe('files of a table', () => {
  it('go load by load, parts and list, once their last write is long ago', async () => {
    await load('a');
    clock.advance(5 * dayMillis);
    await load('b');
    clock.advance(5 * dayMillis);
    expect(await expire(11)).toBe(0);
    expect(await expire(7)).toBe(2);
    expect(await keys()).toEqual([
      `shop/orders/_loads/${loadIdOf('b')}.json`,
      `shop/orders/load=${loadIdOf('b')}/part-00000-0000.ndjson`,
    ]);
    expect(await expire(7)).toBe(0);
  });

  it('stay whole where a later run has written any of them', async () => {
    await load('a');
    clock.advance(9 * dayMillis);
    await load('a', { run: 2 });
    const before = await keys();
    expect(await expire(7)).toBe(0);
    expect(await keys()).toEqual(before);
  });

  it('go with the versions and delete markers below them', async () => {
    await load('a');
    await objects.deleteLatest(`shop/orders/load=${loadIdOf('a')}/part-00000-0000.ndjson`);
    clock.advance(9 * dayMillis);
    expect(await expire(7)).toBe(3);
    expect(await keys()).toEqual([]);
  });

  it('go where a load had no rows, and where it was never finished', async () => {
    await load('a', { rows: 0 });
    const by = { loadId: loadIdOf('b') };
    await aTable().load(aRequest([aRow({ id: 'o-1', amount: 1 })], { by }));
    expect(await keys()).toHaveLength(2);
    clock.advance(9 * dayMillis);
    expect(await expire(7)).toBe(2);
    expect(await keys()).toEqual([]);
  });

  it('stay where they belong to another table or to no load', async () => {
    await load('a', { table: 'orders_archive' });
    for (const key of ['shop/orders/README', 'shop/orders/load=mine/x', 'shop/orders/_loads/notes.txt'])
      await objects.create({ key, body: Buffer.from('x') });
    clock.advance(9 * dayMillis);
    expect(await expire(7)).toBe(0);
    expect(await keys()).toHaveLength(5);
  });

  it('are no longer listed before the first of them goes', async () => {
    await load('a');
    clock.advance(9 * dayMillis);
    const gone: string[] = [];
    const watched = {
      ...objects,
      deleteVersion: async (key: string) => void gone.push(key),
    };
    const definition = { type: 's3', prefix: 'shop/', table: 'orders', format: 'ndjson' } as const;
    await createS3Destination({ definition, objects: watched, clock }).expire?.(clock.now(), neverAborted);
    expect(gone[0]).toContain('/_loads/');
  });
});
