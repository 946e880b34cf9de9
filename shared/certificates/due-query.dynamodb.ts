import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { callsTo } from '../runtime/dynamodb.ts';

/**
 * Items of one shard of a table's due index with nextActionAt <= `until`, oldest first, at most `limit`.
 * @throws Failure `store-unavailable`
 */
export async function queryDue(
  client: DynamoDBDocumentClient,
  table: string,
  { shard, until, limit }: { shard: string; until: Date; limit: number },
): Promise<readonly Record<string, unknown>[]> {
  const { reach } = callsTo(table);
  const items: Record<string, unknown>[] = [];
  let from: QueryCommandInput['ExclusiveStartKey'];
  // A page ends at 1 MB, wherever the limit is.
  do {
    const answer = await reach(
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'due',
          KeyConditionExpression: 'dueShard = :shard AND nextActionAt <= :until',
          ExpressionAttributeValues: { ':shard': shard, ':until': until.toISOString() },
          Limit: limit - items.length,
          ExclusiveStartKey: from,
        }),
      ),
    );
    items.push(...(answer.Items ?? []));
    from = answer.LastEvaluatedKey;
  } while (from && items.length < limit);
  return items;
}
