import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  QueryCommand,
  type ScanCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { callsTo } from '../runtime/dynamodb.ts';
import type { CertificatePolicy, IssuedCertificate, TrackedCertificate } from './certificate.ts';
import { dueShardOf, dueShards } from './due-index.ts';
import type { CertificateStore } from './store.ts';

interface CertificateItem {
  name: string;
  policy: CertificatePolicy;
  state: TrackedCertificate['state'];
  generation: number;
  current?: Omit<IssuedCertificate, 'notBefore' | 'notAfter'> & { notBefore: string; notAfter: string };
  /** Absent once retired, which takes the item out of the due index. */
  dueShard?: string;
  nextActionAt: string;
}

/** CertificateStore over the certificates table of infra/tables.yml. */
export function createDynamoDbCertificateStore(
  client: DynamoDBDocumentClient,
  table: string,
): CertificateStore {
  const { reach, writeConditionally } = callsTo(table);
  const update = (name: string, input: Omit<UpdateCommand['input'], 'TableName' | 'Key'>) =>
    writeConditionally(client.send(new UpdateCommand({ TableName: table, Key: { name }, ...input })));

  const queryDue = async (shard: string, query: { until: Date; limit: number }) => {
    const answer = await reach(
      client.send(
        new QueryCommand({
          TableName: table,
          IndexName: 'due',
          KeyConditionExpression: 'dueShard = :shard AND nextActionAt <= :until',
          ExpressionAttributeValues: { ':shard': shard, ':until': query.until.toISOString() },
          Limit: query.limit,
        }),
      ),
    );
    return (answer.Items ?? []).map((item) => fromItem(item as CertificateItem));
  };

  async function* scan(input: Omit<ScanCommandInput, 'TableName'>) {
    const pages = paginateScan({ client }, { TableName: table, ...input });
    for (;;) {
      const { value: page, done } = await reach(pages.next());
      if (done) return;
      yield page;
    }
  }

  async function* list() {
    for await (const page of scan({}))
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
    track({ name, policy, now }) {
      const item: CertificateItem = {
        name,
        policy,
        state: 'tracked',
        generation: 0,
        dueShard: dueShardOf(name),
        nextActionAt: now.toISOString(),
      };
      return writeConditionally(
        client.send(
          new PutCommand({
            TableName: table,
            Item: item,
            ConditionExpression: 'attribute_not_exists(#name)',
            ExpressionAttributeNames: { '#name': 'name' },
          }),
        ),
      );
    },
    async changePolicy({ name, policy, now }) {
      await update(name, {
        UpdateExpression: 'SET #policy = :policy, #state = :tracked, dueShard = :shard, nextActionAt = :now',
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
    findDue: ({ shard, until, limit }) => queryDue(shard, { until, limit }),
    async findNextActionAt() {
      const distantFuture = new Date('9999-12-31T00:00:00Z');
      const firsts = await Promise.all(
        dueShards.map((shard) => queryDue(shard, { until: distantFuture, limit: 1 })),
      );
      const [earliest] = firsts.flat().sort((a, b) => a.nextActionAt.getTime() - b.nextActionAt.getTime());
      return earliest?.nextActionAt;
    },
    postpone({ name, expectedAt, nextActionAt, generation }) {
      return update(name, {
        UpdateExpression: `SET nextActionAt = :next${generation === undefined ? '' : ', generation = :generation'}`,
        ConditionExpression: 'nextActionAt = :expected AND attribute_exists(dueShard)',
        ExpressionAttributeValues: {
          ':next': nextActionAt.toISOString(),
          ':expected': expectedAt.toISOString(),
          ...(generation === undefined ? {} : { ':generation': generation }),
        },
      });
    },
    recordIssued({ read, issued, nextActionAt }) {
      const current: CertificateItem['current'] = {
        ...issued,
        notBefore: issued.notBefore.toISOString(),
        notAfter: issued.notAfter.toISOString(),
      };
      return update(read.name, {
        UpdateExpression: 'SET #current = :current, generation = :generation, nextActionAt = :next',
        ConditionExpression:
          'nextActionAt = :read AND (attribute_not_exists(#current) OR #current.generation < :issued)',
        ExpressionAttributeNames: { '#current': 'current' },
        ExpressionAttributeValues: {
          ':current': current,
          ':generation': Math.max(read.generation, issued.generation),
          ':issued': issued.generation,
          ':next': nextActionAt.toISOString(),
          ':read': read.nextActionAt.toISOString(),
        },
      });
    },
  };
}

function fromItem(item: CertificateItem): TrackedCertificate {
  const { current } = item;
  return {
    name: item.name,
    policy: item.policy,
    state: item.state,
    generation: item.generation,
    current: current && {
      ...current,
      notBefore: new Date(current.notBefore),
      notAfter: new Date(current.notAfter),
    },
    nextActionAt: new Date(item.nextActionAt),
  };
}
