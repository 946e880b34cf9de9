import { randomUUID } from 'node:crypto';
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { secondsAfter } from '../runtime/clock.ts';
import { callsTo } from '../runtime/dynamodb.ts';
import type { CertificateOutcome } from './outcome.ts';
import { claimSeconds, type RunStore } from './runs.ts';

/**
 * Runs in a table with the keys `runId` (S) and `item` (S): `outcome#<name>` and `report#<channel>`. The rule
 * of `supersedes` is the condition of the write.
 */
export function createDynamoDbRunStore(client: DynamoDBDocumentClient, table: string): RunStore {
  const { reach, writeConditionally } = callsTo(table);
  return {
    async recordOutcome(outcome) {
      const condition = supersedingCondition(outcome);
      const put = new PutCommand({ TableName: table, Item: toItem(outcome), ...condition });
      return (await writeConditionally(client.send(put))) ? 'recorded' : 'superseded';
    },

    async listOutcomes(runId) {
      const outcomes: CertificateOutcome[] = [];
      let next: Record<string, unknown> | undefined;
      do {
        const query = new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'runId = :runId AND begins_with(#item, :prefix)',
          ExpressionAttributeNames: { '#item': 'item' },
          ExpressionAttributeValues: { ':runId': runId, ':prefix': outcomePrefix },
          ExclusiveStartKey: next,
        });
        const page = await reach(client.send(query));
        outcomes.push(...(page.Items ?? []).map((item) => storedOutcome.parse(item)));
        next = page.LastEvaluatedKey;
      } while (next);
      return outcomes;
    },

    claimReport({ runId, channel, now }) {
      // The claim's own id lets the SDK repeat a write whose answer was lost, without losing the claim.
      const claim = {
        ...reportKey(runId, channel),
        claimId: randomUUID(),
        claimedUntil: secondsAfter(now, claimSeconds).toISOString(),
      };
      const put = new PutCommand({
        TableName: table,
        Item: claim,
        ConditionExpression: 'attribute_not_exists(runId) OR claimId = :claimId OR claimedUntil <= :now',
        ExpressionAttributeValues: { ':claimId': claim.claimId, ':now': now.toISOString() },
      });
      return writeConditionally(client.send(put));
    },

    async confirmReport({ runId, channel }) {
      // Without claimedUntil it never expires.
      await reach(client.send(new PutCommand({ TableName: table, Item: reportKey(runId, channel) })));
    },

    async releaseReport({ runId, channel }) {
      const release = new DeleteCommand({ TableName: table, Key: reportKey(runId, channel) });
      await reach(client.send(release));
    },
  };
}

const outcomePrefix = 'outcome#';
const reportKey = (runId: string, channel: string) => ({ runId, item: `report#${channel}` });

const storedDate = z.iso.datetime().transform((text) => new Date(text));

const storedOutcome = z.object({
  runId: z.string(),
  certificateName: z.string(),
  generation: z.number(),
  result: z.enum(['renewed', 'failed']),
  at: storedDate,
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  deployed: z.number(),
  verified: z.number(),
  notAfter: storedDate.optional(),
  warnings: z.array(z.string()),
});

const toItem = ({ error, notAfter, ...outcome }: CertificateOutcome) => ({
  ...outcome,
  item: `${outcomePrefix}${outcome.certificateName}`,
  at: outcome.at.toISOString(),
  ...(error ? { error } : {}),
  ...(notAfter ? { notAfter: notAfter.toISOString() } : {}),
});

/** `supersedes` in DynamoDB's words; instants in ISO 8601 sort as text. */
function supersedingCondition(outcome: CertificateOutcome) {
  const sameGeneration =
    outcome.result === 'renewed' ? '(#result = :failed OR #at <= :at)' : '(#result = :failed AND #at <= :at)';
  return {
    ConditionExpression: `attribute_not_exists(runId) OR generation < :generation OR (generation = :generation AND ${sameGeneration})`,
    ExpressionAttributeNames: { '#result': 'result', '#at': 'at' },
    ExpressionAttributeValues: {
      ':generation': outcome.generation,
      ':failed': 'failed',
      ':at': outcome.at.toISOString(),
    },
  };
}
