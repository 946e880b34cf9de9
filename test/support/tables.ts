import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { synthesizeTemplate } from '../../local/aws/synthesize.ts';

/** An embedded DynamoDB; `createTable` makes one as serverless.yml defines it, under a name of its own. */
export async function startTables() {
  const server = await startDynamoDb({});
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { Resources } = (await synthesizeTemplate({ stage: 'dev' })) as unknown as {
    Resources: Record<string, { Properties: CreateTableCommandInput }>;
  };
  let created = 0;
  return {
    client: DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
    async createTable(logicalId: string): Promise<string> {
      const properties = Resources[logicalId]?.Properties;
      if (!properties) throw new Error(`serverless.yml defines no ${logicalId}`);
      const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode } = properties;
      const TableName = `${logicalId}-${created++}`;
      await client.send(
        new CreateTableCommand({
          TableName,
          AttributeDefinitions,
          KeySchema,
          GlobalSecondaryIndexes,
          BillingMode,
        }),
      );
      while ((await client.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus !== 'ACTIVE');
      return TableName;
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
