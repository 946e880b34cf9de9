import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';

type Definition = Omit<CreateTableCommandInput, 'TableName'>;

export const pipelinesTable: Definition = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pipeline', AttributeType: 'S' },
    { AttributeName: 'item', AttributeType: 'S' },
    { AttributeName: 'duePipeline', AttributeType: 'S' },
    { AttributeName: 'nextActionAt', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pipeline', KeyType: 'HASH' },
    { AttributeName: 'item', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'due',
      KeySchema: [
        { AttributeName: 'duePipeline', KeyType: 'HASH' },
        { AttributeName: 'nextActionAt', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['state', 'stage'] },
    },
  ],
};

export const auditTable: Definition = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'chain', AttributeType: 'S' },
    { AttributeName: 'seq', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'chain', KeyType: 'HASH' },
    { AttributeName: 'seq', KeyType: 'RANGE' },
  ],
};

/** An embedded DynamoDB; `createTable` makes a table by its definition, under a name of its own. */
export async function startPipelineTables() {
  const server = await startDynamoDb({});
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  let created = 0;
  return {
    client: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    async createTable(definition: Definition): Promise<string> {
      const TableName = `pipelines-${created++}`;
      await client.send(new CreateTableCommand({ TableName, ...definition }));
      return TableName;
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
