import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { queryDue } from '../certificates/due-query.dynamodb.ts';
import { callsTo } from '../runtime/dynamodb.ts';
import { leaseLost, restEndsBy } from './lease.ts';
import type { LeasedRenewal, Renewal, RenewalId, StepName } from './renewal.ts';
import { fromItem, type RenewalItem, toItem } from './renewal-item.ts';
import type { DueRenewal, RenewalStore } from './store.ts';

/** RenewalStore over the renewals table of infra/tables.yml. */
export function createDynamoDbRenewalStore(client: DynamoDBDocumentClient, table: string): RenewalStore {
  const { answerConditionally, reach, writeConditionally } = callsTo(table);
  const keyOf = ({ certificateName, generation }: RenewalId) => ({ certificateName, generation });
  const putUnderFence = async (renewal: LeasedRenewal, item: RenewalItem) => {
    const written = await writeConditionally(
      client.send(
        new PutCommand({
          TableName: table,
          Item: item,
          ConditionExpression: 'fence = :fence',
          ExpressionAttributeValues: { ':fence': renewal.lease.fence },
        }),
      ),
    );
    if (!written) throw leaseLost(renewal);
  };

  return {
    open: (renewal: Renewal) =>
      writeConditionally(
        client.send(
          new PutCommand({
            TableName: table,
            Item: toItem(renewal, { fence: 0 }),
            ConditionExpression: 'attribute_not_exists(certificateName)',
          }),
        ),
      ),
    async get(id) {
      const answer = await reach(
        client.send(new GetCommand({ TableName: table, Key: keyOf(id), ConsistentRead: true })),
      );
      return answer.Item && fromItem(answer.Item as RenewalItem);
    },
    async claim(id, { owner, now, until }) {
      const claimed = await answerConditionally(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: keyOf(id),
            UpdateExpression: 'SET fence = fence + :one, leaseOwner = :owner, leaseUntil = :until',
            ConditionExpression:
              'attribute_exists(dueShard) AND attribute_not_exists(pausedAt) ' +
              'AND (attribute_not_exists(restsUntil) OR restsUntil <= :rested) ' +
              'AND (attribute_not_exists(leaseUntil) OR leaseUntil <= :now OR leaseOwner = :owner)',
            ExpressionAttributeValues: {
              ':one': 1,
              ':owner': owner,
              ':until': until.toISOString(),
              ':now': now.toISOString(),
              ':rested': restEndsBy(now).toISOString(),
            },
            ReturnValues: 'ALL_OLD',
          }),
        ),
      );
      const before = claimed?.Attributes as RenewalItem | undefined;
      if (!before) return undefined;
      const lease = { owner, until, fence: before.fence + 1, takenOver: before.leaseOwner !== undefined };
      return { ...fromItem(before), lease };
    },
    save: (renewal) =>
      putUnderFence(renewal, toItem(renewal, { fence: renewal.lease.fence, lease: renewal.lease })),
    release: (renewal) => putUnderFence(renewal, toItem(renewal, { fence: renewal.lease.fence })),
    findDue: async (query) => (await queryDue(client, table, query)).map(toDue),
    postpone: ({ id, expectedAt, nextActionAt }) =>
      writeConditionally(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: keyOf(id),
            UpdateExpression: 'SET nextActionAt = :next',
            ConditionExpression: 'nextActionAt = :expected AND attribute_exists(dueShard)',
            ExpressionAttributeValues: {
              ':next': nextActionAt.toISOString(),
              ':expected': expectedAt.toISOString(),
            },
          }),
        ),
      ),
    async breakLease(id, now) {
      await writeConditionally(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: keyOf(id),
            // The lease ends and stays on record: how far its worker came is unknown.
            UpdateExpression:
              'SET fence = fence + :one, nextActionAt = :now, leaseUntil = :now REMOVE restsUntil',
            ConditionExpression: 'attribute_exists(dueShard)',
            ExpressionAttributeValues: { ':one': 1, ':now': now.toISOString() },
          }),
        ),
      );
    },
    async wake(id, now) {
      await writeConditionally(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: keyOf(id),
            UpdateExpression: 'SET nextActionAt = :now REMOVE restsUntil, quarantinedAt, pausedAt',
            ConditionExpression: 'attribute_exists(dueShard)',
            ExpressionAttributeValues: { ':now': now.toISOString() },
          }),
        ),
      );
    },
  };
}

const toDue = (item: Record<string, unknown>): DueRenewal => ({
  certificateName: String(item.certificateName),
  generation: Number(item.generation),
  step: item.step as StepName,
  nextActionAt: new Date(String(item.nextActionAt)),
});
