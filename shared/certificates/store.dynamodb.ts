import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  type ScanCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { callsTo } from '../runtime/dynamodb.ts';
import { type CertificateItem, fromItem, newItem, toAdviceItem, toIssuedItem } from './certificate-item.ts';
import { dueShardOf, dueShards } from './due-index.ts';
import { queryDue } from './due-query.dynamodb.ts';
import type { CertificateStore } from './store.ts';

/** CertificateStore over the certificates table of infra/tables.yml. */
export function createDynamoDbCertificateStore(
  client: DynamoDBDocumentClient,
  table: string,
): CertificateStore {
  const { reach, writeConditionally } = callsTo(table);
  const update = (name: string, input: Omit<UpdateCommand['input'], 'TableName' | 'Key'>) =>
    writeConditionally(client.send(new UpdateCommand({ TableName: table, Key: { name }, ...input })));

  const findDue = async (query: { shard: string; until: Date; limit: number }) =>
    (await queryDue(client, table, query)).map((item) => fromItem(item as unknown as CertificateItem));

  async function* scan(input: Omit<ScanCommandInput, 'TableName'>, after?: string) {
    const startingToken = after === undefined ? undefined : { name: after };
    const pages = paginateScan({ client, startingToken }, { TableName: table, ...input });
    for (;;) {
      const { value: page, done } = await reach(pages.next());
      if (done) return;
      yield page;
    }
  }

  async function* list(after?: string) {
    for await (const page of scan({}, after))
      yield* (page.Items ?? []).map((item) => fromItem(item as CertificateItem));
  }

  return {
    async get(name) {
      const answer = await reach(
        client.send(new GetCommand({ TableName: table, Key: { name }, ConsistentRead: true })),
      );
      return answer.Item ? fromItem(answer.Item as CertificateItem) : undefined;
    },
    list,
    async countTracked() {
      let count = 0;
      const pages = scan({
        Select: 'COUNT',
        FilterExpression: '#state = :tracked',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':tracked': 'tracked' },
      });
      for await (const page of pages) count += page.Count ?? 0;
      return count;
    },
    track: (entry) =>
      writeConditionally(
        client.send(
          new PutCommand({
            TableName: table,
            Item: newItem(entry),
            ConditionExpression: 'attribute_not_exists(#name)',
            ExpressionAttributeNames: { '#name': 'name' },
          }),
        ),
      ),
    async changePolicy({ name, policy, now }) {
      await update(name, {
        UpdateExpression:
          'SET #policy = :policy, #state = :tracked, dueShard = :shard, nextActionAt = :now REMOVE plannedAt',
        ConditionExpression: 'attribute_exists(#name)',
        ExpressionAttributeNames: { '#name': 'name', '#policy': 'policy', '#state': 'state' },
        ExpressionAttributeValues: {
          ':policy': policy,
          ':tracked': 'tracked',
          ':shard': dueShardOf(name),
          ':now': now.toISOString(),
        },
      });
    },
    async retire(name) {
      await update(name, {
        UpdateExpression: 'SET #state = :retired REMOVE dueShard',
        ConditionExpression: 'attribute_exists(#name)',
        ExpressionAttributeNames: { '#name': 'name', '#state': 'state' },
        ExpressionAttributeValues: { ':retired': 'retired' },
      });
    },
    findDue,
    async findNextActionAt() {
      const distantFuture = new Date('9999-12-31T00:00:00Z');
      const firsts = await Promise.all(
        dueShards.map((shard) => findDue({ shard, until: distantFuture, limit: 1 })),
      );
      const [earliest] = firsts.flat().sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime());
      return earliest?.nextActionAt;
    },
    postpone({ name, expectedAt, nextActionAt, generation, plannedAt }) {
      const set = [
        'nextActionAt = :next',
        ...(generation === undefined ? [] : ['generation = :generation']),
        ...(plannedAt ? ['plannedAt = :planned'] : []),
      ];
      return update(name, {
        UpdateExpression: `SET ${set.join(', ')}${plannedAt === null ? ' REMOVE plannedAt' : ''}`,
        ConditionExpression: 'nextActionAt = :expected AND attribute_exists(dueShard)',
        ExpressionAttributeValues: {
          ':next': nextActionAt.toISOString(),
          ':expected': expectedAt.toISOString(),
          ':generation': generation,
          ':planned': plannedAt?.toISOString(),
        },
      });
    },
    recordIssued({ read, issued, nextActionAt }) {
      return update(read.name, {
        UpdateExpression:
          'SET #current = :current, generation = :generation, nextActionAt = :next REMOVE advice, plannedAt',
        ConditionExpression:
          'nextActionAt = :read AND (attribute_not_exists(#current) OR #current.generation < :issued)',
        ExpressionAttributeNames: { '#current': 'current' },
        ExpressionAttributeValues: {
          ':current': toIssuedItem(issued),
          ':generation': Math.max(read.generation, issued.generation),
          ':issued': issued.generation,
          ':next': nextActionAt.toISOString(),
          ':read': read.nextActionAt.toISOString(),
        },
      });
    },
    recordAdvice({ read, advice, nextActionAt }) {
      return update(read.name, {
        UpdateExpression: 'SET advice = :advice, nextActionAt = :next',
        ConditionExpression:
          'nextActionAt = :read AND attribute_exists(dueShard) AND #current.issuedBy.certificateId = :id',
        ExpressionAttributeNames: { '#current': 'current' },
        ExpressionAttributeValues: {
          ':advice': toAdviceItem(advice),
          ':next': nextActionAt.toISOString(),
          ':read': read.nextActionAt.toISOString(),
          ':id': advice.certificateId,
        },
      });
    },
  };
}
