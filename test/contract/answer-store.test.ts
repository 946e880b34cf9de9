import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { createDynamoDbAnswerStore } from '../../shared/challenges/answers.dynamodb.ts';
import { createMemoryAnswerStore } from '../../shared/challenges/answers.memory.ts';
import { describeAnswerStoreContract } from './answer-store.ts';

describeAnswerStoreContract('memory', async () => ({
  store: createMemoryAnswerStore(),
  stop: async () => {},
}));

const connect = (endpoint: string, maxAttempts: number) =>
  new DynamoDBClient({
    endpoint,
    region: 'eu-central-1',
    maxAttempts,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });

describeAnswerStoreContract('DynamoDB', async () => {
  const database = await startDynamoDb({});
  const client = connect(database.endpoint, 3);
  await client.send(
    new CreateTableCommand({
      TableName: 'challenge-answers',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'answerKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'answerKey', KeyType: 'HASH' }],
    }),
  );
  return {
    store: createDynamoDbAnswerStore(DynamoDBDocumentClient.from(client), 'challenge-answers'),
    async stop() {
      client.destroy();
      await database.stop();
    },
  };
});

it('names the table when DynamoDB cannot be reached', async () => {
  const client = connect('http://127.0.0.1:1', 1);
  const store = createDynamoDbAnswerStore(DynamoDBDocumentClient.from(client), 'challenge-answers');
  await expect(store.get('http-01#token')).rejects.toMatchObject({
    code: 'store-unavailable',
    disposition: 'retry',
    message: expect.stringContaining('challenge-answers'),
  });
  client.destroy();
});
