import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { callsTo, type TableCalls } from '../../runtime/dynamodb.ts';
import type { ChunkRef } from './chunk.ts';
import type { RunSlot, Stage } from './run.ts';

export type Item = Record<string, unknown>;

export const runItem = ({ scopeKey }: Pick<RunSlot, 'scopeKey'>): string => `run#${scopeKey}`;
export const chunksOf = (runId: string): string => `chunk#${runId}#`;
export const chunkItem = ({ runId, chunkId }: Pick<ChunkRef, 'runId' | 'chunkId'>): string =>
  `${chunksOf(runId)}${chunkId}`;
export const tallyItem = (runId: string, stage: Stage): string => `finished#${runId}#${stage}`;

/** What puts an item into the due index; what is not to be looked at again stays out of it. */
export const dueIn = (pipeline: string, nextActionAt: Date | undefined): Item =>
  nextActionAt ? { duePipeline: pipeline } : {};

export interface LedgerTable extends TableCalls {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
  /** A consistent read of one item. */
  get(pipeline: string, item: string): Promise<Item | undefined>;
  /** All items a query finds, page by page. */
  query(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Item>;
  /** The query for a pipeline's items whose key begins with `prefix`, consistent. */
  startingWith(pipeline: string, prefix: string): Omit<QueryCommandInput, 'TableName'>;
}

/** The ledger's table, with the keys `pipeline` (S) and `item` (S). */
export function ledgerTable(client: DynamoDBDocumentClient, name: string): LedgerTable {
  const calls = callsTo(name);
  return {
    ...calls,
    client,
    name,
    async get(pipeline, item) {
      const command = new GetCommand({ TableName: name, Key: { pipeline, item }, ConsistentRead: true });
      return (await calls.reach(client.send(command))).Item;
    },
    async *query(input) {
      let next: QueryCommandInput['ExclusiveStartKey'];
      do {
        const command = new QueryCommand({ TableName: name, ...input, ExclusiveStartKey: next });
        const page = await calls.reach(client.send(command));
        yield* page.Items ?? [];
        next = page.LastEvaluatedKey;
      } while (next);
    },
    startingWith: (pipeline, prefix) => ({
      ConsistentRead: true,
      KeyConditionExpression: 'pipeline = :pipeline AND begins_with(#item, :prefix)',
      ExpressionAttributeNames: { '#item': 'item' },
      ExpressionAttributeValues: { ':pipeline': pipeline, ':prefix': prefix },
    }),
  };
}
