import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { createDynamoDbRunStore } from '../../shared/report/runs.dynamodb.ts';
import { createMemoryRunStore } from '../../shared/report/runs.memory.ts';
import type { RunStore } from '../../shared/report/runs.ts';
import { describeRunStoreContract } from './run-store.ts';

let database: Awaited<ReturnType<typeof startDynamoDb>>;
let client: DynamoDBClient;
let tables = 0;

beforeAll(async () => {
  database = await startDynamoDb({});
  client = new DynamoDBClient({
    endpoint: database.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await database.stop();
});

async function makeDynamoDbStore(): Promise<RunStore> {
  tables += 1;
  const TableName = `runs-${tables}`;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'runId', KeyType: 'HASH' },
        { AttributeName: 'item', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'runId', AttributeType: 'S' },
        { AttributeName: 'item', AttributeType: 'S' },
      ],
    }),
  );
  await untilActive(TableName);
  return createDynamoDbRunStore(DynamoDBDocumentClient.from(client), TableName);
}

async function untilActive(TableName: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  if (Table?.TableStatus !== 'ACTIVE') await untilActive(TableName);
}

describeRunStoreContract('memory', async () => createMemoryRunStore());
describeRunStoreContract('DynamoDB', makeDynamoDbStore);

test('an absent table is a failure that repetition does not heal', async () => {
  const store = createDynamoDbRunStore(DynamoDBDocumentClient.from(client), 'absent');
  const failure = { code: 'store-unavailable', disposition: 'give-up' };
  await expect(
    store.claimReport({ runId: 'run-1', channel: 'slack', now: new Date(0) }),
  ).rejects.toMatchObject(failure);
  await expect(store.listOutcomes('run-1')).rejects.toMatchObject(failure);
});
