import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { callsTo } from '../runtime/dynamodb.ts';
import type { CanonicalValue } from './canonical-json.ts';
import { type AuditEvent, chainStart } from './event.ts';
import { type AuditLog, type AuditShelf, appendInTurn, lookBack } from './log.ts';

const storedEvent = z.object({
  chain: z.string(),
  seq: z.number().int(),
  id: z.string(),
  kind: z.string(),
  at: z.string(),
  // As text: a database's own types would give the facts back in other forms than were hashed.
  facts: z.string().transform((text) => JSON.parse(text) as Record<string, CanonicalValue>),
  prevHash: z.string(),
  hash: z.string(),
});

/**
 * AuditLog in a table with the keys `chain` (S) and `seq` (N). The role of a writer needs dynamodb:PutItem and
 * dynamodb:Query; UpdateItem and DeleteItem belong to nobody.
 */
export function createDynamoDbAuditLog(client: DynamoDBDocumentClient, table: string): AuditLog {
  const { reach, writeConditionally } = callsTo(table);
  const query = async (chain: string, more: Partial<QueryCommand['input']>) => {
    const input = {
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: '#chain = :chain',
      ExpressionAttributeNames: { '#chain': 'chain' },
      ExpressionAttributeValues: { ':chain': chain },
      ...more,
    };
    const { Items = [], LastEvaluatedKey } = await reach(client.send(new QueryCommand(input)));
    return { events: Items.map((item): AuditEvent => storedEvent.parse(item)), next: LastEvaluatedKey };
  };

  const shelf: AuditShelf = {
    tail: async (chain) => (await query(chain, { ScanIndexForward: false, Limit: lookBack })).events,
    put: (event) =>
      writeConditionally(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...event, facts: JSON.stringify(event.facts) },
            ConditionExpression: 'attribute_not_exists(seq)',
          }),
        ),
      ),
  };

  return {
    append: (chain, draft) => appendInTurn(shelf, chain, draft),
    async *read(chain, afterSeq) {
      let next: Record<string, unknown> | undefined;
      do {
        const page = await query(chain, {
          KeyConditionExpression: '#chain = :chain AND seq > :after',
          ExpressionAttributeValues: { ':chain': chain, ':after': afterSeq },
          ExclusiveStartKey: next,
        });
        yield* page.events;
        next = page.next;
      } while (next);
    },
    async head(chain) {
      const { events } = await query(chain, { ScanIndexForward: false, Limit: 1 });
      const [last] = events;
      return last ? { seq: last.seq, hash: last.hash } : chainStart;
    },
  };
}
