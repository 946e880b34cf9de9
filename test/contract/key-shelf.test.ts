import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDynamoDbKeyShelf } from '../../shared/etl/keys/key-shelf.dynamodb.ts';
import { createMemoryKeyShelf } from '../../shared/etl/keys/key-shelf.memory.ts';
import { aKeptKey, describeKeyShelfContract } from './key-shelf.ts';
import { pipelinesTable, startPipelineTables } from './pipeline-tables.ts';

let tables: Awaited<ReturnType<typeof startPipelineTables>>;
beforeAll(async () => {
  tables = await startPipelineTables();
});
afterAll(() => tables.stop());

describeKeyShelfContract('memory', async () => createMemoryKeyShelf());
describeKeyShelfContract('DynamoDB', async () =>
  createDynamoDbKeyShelf(tables.client, await tables.createTable(pipelinesTable)),
);

it('DynamoDB holds the wrapped key in one item, so that deleting that one erases', async () => {
  const TableName = await tables.createTable(pipelinesTable);
  const key = aKeptKey();
  await createDynamoDbKeyShelf(tables.client, TableName).offer(key);
  const { Items = [] } = await tables.client.send(new ScanCommand({ TableName }));
  expect(Items.map(({ item }) => item).sort()).toEqual([`key#${key.keyId}`, 'run-key#run-1#orders']);
  expect(Items.filter((item) => JSON.stringify(item).includes(key.wrapped))).toHaveLength(1);
});

it('DynamoDB items that are no wrapped key are named, not quoted', async () => {
  const TableName = await tables.createTable(pipelinesTable);
  const Item = { pipeline: 'orders', item: 'key#k', keyId: 'k', wrapped: 'no base64: canary' };
  await tables.client.send(new PutCommand({ TableName, Item }));
  const found = createDynamoDbKeyShelf(tables.client, TableName).find({ pipeline: 'orders', keyId: 'k' });
  await expect(found).rejects.toMatchObject({
    code: 'kept-key-malformed',
    message: expect.not.stringContaining('canary'),
  });
});
