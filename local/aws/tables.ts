import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  ListTablesCommand,
} from '@aws-sdk/client-dynamodb';
import type { ClientSettings } from './messaging.ts';
import type { TablePlan } from './stack-plan.ts';

/** Creates the tables that are not there yet; a kept data directory brings its own. */
export async function createTables(
  tables: readonly TablePlan[],
  settings: ClientSettings & { readonly endpoint: string },
): Promise<void> {
  const dynamodb = new DynamoDBClient(settings);
  try {
    const { TableNames = [] } = await dynamodb.send(new ListTablesCommand({}));
    const missing = tables.filter(({ name }) => !TableNames.includes(name));
    await Promise.all(
      missing.map(({ name, definition }) =>
        dynamodb.send(
          new CreateTableCommand({ ...(definition as unknown as CreateTableCommandInput), TableName: name }),
        ),
      ),
    );
  } finally {
    dynamodb.destroy();
  }
}
