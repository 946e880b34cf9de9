import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { callsTo } from '../runtime/dynamodb.ts';
import type { AnswerStore } from './answers.ts';

/**
 * Answers in the challenges table of infra/tables.yml. Reads are consistent: a CA asks right after the answer
 * was put. Failures: `store-unavailable`.
 */
export function createDynamoDbAnswerStore(client: DynamoDBDocumentClient, table: string): AnswerStore {
  const { reach, writeConditionally } = callsTo(table);
  return {
    async put({ answerKey, keyAuthorization, expiresAt }) {
      const expiresAtSeconds = Math.ceil(expiresAt.getTime() / 1000);
      const Item = { answerKey, keyAuthorization, expiresAtSeconds };
      await reach(client.send(new PutCommand({ TableName: table, Item })));
    },
    async get(answerKey) {
      const get = new GetCommand({ TableName: table, Key: { answerKey }, ConsistentRead: true });
      const { Item: item } = await reach(client.send(get));
      if (!item) return undefined;
      return {
        answerKey,
        keyAuthorization: String(item.keyAuthorization),
        expiresAt: new Date(Number(item.expiresAtSeconds) * 1000),
      };
    },
    async remove({ answerKey, keyAuthorization }) {
      const remove = new DeleteCommand({
        TableName: table,
        Key: { answerKey },
        ConditionExpression: 'keyAuthorization = :mine',
        ExpressionAttributeValues: { ':mine': keyAuthorization },
      });
      await writeConditionally(client.send(remove));
    },
  };
}
