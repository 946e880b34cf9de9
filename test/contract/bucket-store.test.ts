import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullBucket } from '../../shared/limits/bucket.ts';
import { createDynamoDbBucketItems } from '../../shared/limits/bucket-store.dynamodb.ts';
import { createMemoryBucketItems } from '../../shared/limits/bucket-store.memory.ts';
import { createBucketStore } from '../../shared/limits/bucket-store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startTables } from '../support/tables.ts';
import { describeBucketStoreContract } from './bucket-store.ts';

let tables: Awaited<ReturnType<typeof startTables>>;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

describeBucketStoreContract('memory', async () => createMemoryBucketItems());
describeBucketStoreContract('DynamoDB', async () =>
  createDynamoDbBucketItems(tables.client, await tables.createTable('RateLimitsTable')),
);

describe('a bucket store', () => {
  it('gives up as busy when others are always quicker, having paused ever longer between', async () => {
    const clock = createFakeClock(new Date(0));
    const items = { ...createMemoryBucketItems(), put: async () => false };
    const store = createBucketStore(items, { clock, random: () => 1 });
    const update = store.update('ca/orders/1', () => ({ state: fullBucket, result: undefined }));
    await expect(update).rejects.toMatchObject({ code: 'store-busy', disposition: 'retry' });
    expect(clock.slept.slice(0, 4)).toEqual([20, 40, 80, 160]);
    expect(Math.max(...clock.slept)).toBe(1500);
  });

  it('keeps an item past everything it remembers before it may be removed', async () => {
    const table = await tables.createTable('RateLimitsTable');
    const items = createDynamoDbBucketItems(tables.client, table);
    const until = new Date('2026-12-01T00:00:00Z');
    await items.put('held', { ...fullBucket, holds: { a: until } }, undefined);
    const { Item } = await tables.client.send(new GetCommand({ TableName: table, Key: { bucket: 'held' } }));
    expect(Item?.expiresAtSeconds).toBe(until.getTime() / 1000 + 86_400);
  });

  it('names the table that does not answer', async () => {
    const items = createDynamoDbBucketItems(tables.client, 'no-such-table');
    await expect(items.get(['any'])).rejects.toMatchObject({
      code: 'store-unavailable',
      disposition: 'give-up',
      message: expect.stringContaining('no-such-table'),
    });
  });
});
