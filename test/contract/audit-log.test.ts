import { afterAll, beforeAll } from 'vitest';
import { createDynamoDbAuditLog } from '../../shared/audit/log.dynamodb.ts';
import { createMemoryAuditLog } from '../../shared/audit/log.memory.ts';
import { describeAuditLogContract } from './audit-log.ts';
import { auditTable, startPipelineTables } from './pipeline-tables.ts';

let tables: Awaited<ReturnType<typeof startPipelineTables>>;
beforeAll(async () => {
  tables = await startPipelineTables();
});
afterAll(() => tables.stop());

describeAuditLogContract('memory', async () => createMemoryAuditLog());
describeAuditLogContract('DynamoDB', async () =>
  createDynamoDbAuditLog(tables.client, await tables.createTable(auditTable)),
);
