import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { callsTo } from '../runtime/dynamodb.ts';
import { Failure } from '../runtime/errors.ts';
import type { Bucket } from './bucket.ts';
import type { BucketItems, VersionedBucket } from './bucket-store.ts';

interface BucketItem {
  bucket: string;
  version: number;
  /** Instants are epoch milliseconds, since the TAT is added to where it lies. */
  tat?: number;
  spends?: { holder: string; at: number }[];
  holds?: Record<string, number>;
  plannedUntil?: number;
  displacedUntil?: number;
  lastPlaceAt?: number;
  expiresAtSeconds: number;
}

/** The most keys one BatchGetItem takes. */
const batchSize = 100;
const mostRounds = 5;
const daySeconds = 86_400;

/** BucketItems over the rate-limits table of infra/tables.yml. */
export function createDynamoDbBucketItems(client: DynamoDBDocumentClient, table: string): BucketItems {
  const { reach, answerConditionally, writeConditionally } = callsTo(table);

  const getBatch = async (keys: readonly string[]): Promise<BucketItem[]> => {
    const items: BucketItem[] = [];
    let wanted = keys.map((bucket): Record<string, unknown> => ({ bucket }));
    for (let round = 0; wanted.length > 0; round++) {
      if (round === mostRounds) throw unansweredKeys(table, wanted.length);
      const get = new BatchGetCommand({ RequestItems: { [table]: { Keys: wanted, ConsistentRead: true } } });
      const { Responses, UnprocessedKeys } = await reach(client.send(get));
      items.push(...((Responses?.[table] ?? []) as BucketItem[]));
      wanted = UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return items;
  };

  return {
    async get(keys) {
      const distinct = [...new Set(keys)];
      const found = new Map<string, VersionedBucket>();
      for (let start = 0; start < distinct.length; start += batchSize)
        for (const item of await getBatch(distinct.slice(start, start + batchSize)))
          found.set(item.bucket, { bucket: fromItem(item), version: item.version });
      return found;
    },
    put(key, bucket, version) {
      const put = new PutCommand({
        TableName: table,
        Item: toItem(key, bucket, (version ?? 0) + 1),
        ...(version === undefined
          ? { ConditionExpression: 'attribute_not_exists(version)' }
          : { ConditionExpression: 'version = :read', ExpressionAttributeValues: { ':read': version } }),
      });
      return writeConditionally(client.send(put));
    },
    async advance(key, { stepMillis, from, to }) {
      const update = new UpdateCommand({
        TableName: table,
        Key: { bucket: key },
        UpdateExpression: 'SET tat = tat + :step, version = version + :one, expiresAtSeconds = :expires',
        ConditionExpression: 'tat >= :from AND tat <= :to',
        ExpressionAttributeValues: {
          ':step': stepMillis,
          ':one': 1,
          ':from': from.getTime(),
          ':to': to.getTime(),
          ':expires': Math.ceil((to.getTime() + stepMillis) / 1000) + daySeconds,
        },
        ReturnValues: 'UPDATED_NEW',
      });
      const answer = await answerConditionally(client.send(update));
      return answer && new Date(Number(answer.Attributes?.tat));
    },
  };
}

function toItem(
  key: string,
  { tat, spends, holds, plannedUntil, displacedUntil, lastPlaceAt }: Bucket,
  version: number,
): BucketItem {
  const spent = spends.map(({ holder, at }) => ({ holder, at: at.getTime() }));
  const held = Object.entries(holds).map(([holder, until]) => [holder, until.getTime()] as const);
  const lastMillis = [...spent.map(({ at }) => at), ...held.map(([, until]) => until)].reduce(
    (last, millis) => Math.max(last, millis),
    Math.max(...[tat, plannedUntil, displacedUntil, lastPlaceAt].map((at) => at?.getTime() ?? 0)),
  );
  return {
    bucket: key,
    version,
    ...(tat ? { tat: tat.getTime() } : {}),
    ...(spent.length > 0 ? { spends: spent } : {}),
    ...(held.length > 0 ? { holds: Object.fromEntries(held) } : {}),
    ...(plannedUntil ? { plannedUntil: plannedUntil.getTime() } : {}),
    ...(displacedUntil ? { displacedUntil: displacedUntil.getTime() } : {}),
    ...(lastPlaceAt ? { lastPlaceAt: lastPlaceAt.getTime() } : {}),
    expiresAtSeconds: Math.ceil(lastMillis / 1000) + daySeconds,
  };
}

const fromItem = ({
  tat,
  spends = [],
  holds = {},
  plannedUntil,
  displacedUntil,
  lastPlaceAt,
}: BucketItem): Bucket => ({
  tat: tat === undefined ? undefined : new Date(tat),
  spends: spends.map(({ holder, at }) => ({ holder, at: new Date(at) })),
  holds: Object.fromEntries(Object.entries(holds).map(([holder, until]) => [holder, new Date(until)])),
  ...(plannedUntil === undefined ? {} : { plannedUntil: new Date(plannedUntil) }),
  ...(displacedUntil === undefined ? {} : { displacedUntil: new Date(displacedUntil) }),
  ...(lastPlaceAt === undefined ? {} : { lastPlaceAt: new Date(lastPlaceAt) }),
});

const unansweredKeys = (table: string, count: number) =>
  new Failure({
    code: 'store-unavailable',
    disposition: 'retry',
    message: `table ${table} left ${count} keys unread ${mostRounds} times; try again later or raise its capacity`,
  });
