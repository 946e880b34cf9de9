import { arnOf, isRecord, type RequestBody, type ServiceCall, textOf } from './call.ts';

const onTable = new Set(['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'DescribeTable']);
const onTableOrIndex = new Set(['Query', 'Scan']);
const onSeveralTables = new Set(['BatchGetItem', 'BatchWriteItem']);

/** A call of DynamoDB: on a table, on one of its indexes, or on several tables. */
export function readDynamoDbCall(name: string, body: RequestBody, region: string): ServiceCall {
  const operation = `dynamodb:${name}`;
  const tables = tablesOf(name, body);
  if (tables.length === 0) return { operation, needs: undefined };
  const index = onTableOrIndex.has(name) ? textOf(body, 'IndexName') : undefined;
  const needs = tables.map((table) => {
    const arn = arnOf('dynamodb', region, table.startsWith('arn:') ? table : `table/${table}`);
    return { action: operation, resource: index === undefined ? arn : `${arn}/index/${index}` };
  });
  return { operation, needs };
}

function tablesOf(name: string, body: RequestBody): string[] {
  if (onSeveralTables.has(name)) return isRecord(body.RequestItems) ? Object.keys(body.RequestItems) : [];
  const table = textOf(body, 'TableName');
  return table !== undefined && (onTable.has(name) || onTableOrIndex.has(name)) ? [table] : [];
}
