import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../runtime/clock.ts';
import { callsTo } from '../runtime/dynamodb.ts';
import type { Circuit, CircuitStore } from './circuit.ts';

const freshMillis = 15_000;
const keptSeconds = 86_400;

interface Seen {
  readonly at: number;
  readonly circuit: Circuit | undefined;
}

/** CircuitStore over the rate-limits table of infra/tables.yml; reads are answered from memory for 15 s. */
export function createDynamoDbCircuitStore(
  client: DynamoDBDocumentClient,
  table: string,
  clock: Clock,
): CircuitStore {
  const { reach } = callsTo(table);
  const seen = new Map<string, Seen>();
  const keyOf = (directoryUrl: string) => ({ bucket: `circuit/${directoryUrl}` });
  return {
    async read(directoryUrl) {
      const at = clock.now().getTime();
      const remembered = seen.get(directoryUrl);
      if (remembered && at - remembered.at < freshMillis) return remembered.circuit;
      const { Item } = await reach(
        client.send(new GetCommand({ TableName: table, Key: keyOf(directoryUrl) })),
      );
      const circuit = Item && {
        failures: Number(Item.failures),
        lastFailureAt: new Date(Item.lastFailureAt),
        reason: String(Item.reason),
      };
      seen.set(directoryUrl, { at, circuit });
      return circuit;
    },
    async recordFailure(directoryUrl, { now, reason }) {
      seen.delete(directoryUrl);
      await reach(
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: keyOf(directoryUrl),
            UpdateExpression:
              'ADD failures :one SET lastFailureAt = :now, reason = :reason, expiresAtSeconds = :expires',
            ExpressionAttributeValues: {
              ':one': 1,
              ':now': now.toISOString(),
              ':reason': reason.slice(0, 500),
              ':expires': Math.ceil(now.getTime() / 1000) + keptSeconds,
            },
          }),
        ),
      );
    },
    async recordSuccess(directoryUrl) {
      if (!seen.get(directoryUrl)?.circuit) return;
      seen.set(directoryUrl, { at: clock.now().getTime(), circuit: undefined });
      await reach(client.send(new DeleteCommand({ TableName: table, Key: keyOf(directoryUrl) })));
    },
  };
}
