import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { callsTo } from '../../runtime/dynamodb.ts';
import { Failure } from '../../runtime/errors.ts';
import type { DataKeyPurpose } from '../cells/data-keys.ts';
import type { DataKeyRef, KeptDataKey, KeyShelf } from './key-shelf.ts';

const keyItem = (keyId: string): string => `key#${keyId}`;
const runItem = ({ runId, table }: DataKeyPurpose): string => `run-key#${runId}#${table}`;

const keptItem = z.object({
  pipeline: z.string(),
  keyId: z.string(),
  wrapped: z.base64(),
  table: z.string(),
  runId: z.string(),
  master: z.enum(['cells', 'quarantine']),
});

/**
 * KeyShelf in a table with the keys `pipeline` (S) and `item` (S): the wrapped key in `key#<keyId>` alone, and
 * `run-key#<run>#<table>`, which names it and is written once.
 */
export function createDynamoDbKeyShelf(client: DynamoDBDocumentClient, TableName: string): KeyShelf {
  const calls = callsTo(TableName);
  const get = async (pipeline: string, item: string) => {
    const command = new GetCommand({ TableName, Key: { pipeline, item }, ConsistentRead: true });
    return (await calls.reach(client.send(command))).Item;
  };
  const find = async ({ pipeline, keyId }: DataKeyRef): Promise<KeptDataKey | undefined> => {
    const item = await get(pipeline, keyItem(keyId));
    return item && readKept(item, TableName);
  };
  const keyOfRun: KeyShelf['keyOfRun'] = async (purpose) => {
    const named = await get(purpose.pipeline, runItem(purpose));
    if (!named) return undefined;
    return (await find({ pipeline: purpose.pipeline, keyId: String(named.keyId) })) ?? 'erased';
  };
  return {
    find,
    keyOfRun,
    async offer(key) {
      const { keyId, wrapped, purpose, master } = key;
      const kept = new PutCommand({
        TableName,
        Item: { ...purpose, item: keyItem(keyId), keyId, wrapped, master },
      });
      await calls.reach(client.send(kept));
      const named = new PutCommand({
        TableName,
        Item: { pipeline: purpose.pipeline, item: runItem(purpose), keyId },
        // A repetition by the SDK, its first answer lost, finds its own write.
        ConditionExpression: 'attribute_not_exists(pipeline) OR keyId = :keyId',
        ExpressionAttributeValues: { ':keyId': keyId },
      });
      if (await calls.writeConditionally(client.send(named))) return key;
      return (await keyOfRun(purpose)) ?? 'erased';
    },
    async erase({ pipeline, keyId }) {
      const command = new DeleteCommand({ TableName, Key: { pipeline, item: keyItem(keyId) } });
      await calls.reach(client.send(command));
    },
  };
}

function readKept(item: Record<string, unknown>, table: string): KeptDataKey {
  const read = keptItem.safeParse(item);
  if (read.success) {
    const { keyId, wrapped, master, ...purpose } = read.data;
    return { keyId, wrapped, master, purpose };
  }
  throw new Failure({
    code: 'kept-key-malformed',
    disposition: 'give-up',
    message: `the item ${String(item.item)} of ${String(item.pipeline)} in table ${table} is no wrapped key; restore it from a backup`,
  });
}
