import { afterAll, beforeAll } from 'vitest';
import { createDynamoDbRunLedger } from '../../shared/etl/ledger/ledger.dynamodb.ts';
import { createMemoryRunLedger } from '../../shared/etl/ledger/ledger.memory.ts';
import { pipelinesTable, startPipelineTables } from './pipeline-tables.ts';
import { describeRunLedgerContract } from './run-ledger.ts';

let tables: Awaited<ReturnType<typeof startPipelineTables>>;
beforeAll(async () => {
  tables = await startPipelineTables();
});
afterAll(() => tables.stop());

describeRunLedgerContract('memory', async () => createMemoryRunLedger());
describeRunLedgerContract('DynamoDB', async () =>
  createDynamoDbRunLedger(tables.client, await tables.createTable(pipelinesTable)),
);
