import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { chunksIn } from './chunks.dynamodb.ts';
import type { DueWork, RunLedger } from './ledger.ts';
import { chunkItem, type Item, ledgerTable, runItem } from './ledger-table.dynamodb.ts';
import type { RunState, Stage } from './run.ts';
import { runsIn } from './runs.dynamodb.ts';

/**
 * RunLedger in a table with the keys `pipeline` (S) and `item` (S). Its index `due` has the keys `duePipeline` (S)
 * and `nextActionAt` (S), and `state` and `stage` beside them: one partition per pipeline, since a tick asks for
 * each deployed pipeline, and one pipeline's workers write far less than a partition takes.
 */
export function createDynamoDbRunLedger(client: DynamoDBDocumentClient, name: string): RunLedger {
  const table = ledgerTable(client, name);
  return {
    ...runsIn(table),
    ...chunksIn(table),
    async findDue({ pipeline, until, limit }) {
      const due: DueWork[] = [];
      const oldestFirst = {
        IndexName: 'due',
        KeyConditionExpression: 'duePipeline = :pipeline AND nextActionAt <= :until',
        ExpressionAttributeValues: { ':pipeline': pipeline, ':until': until.toISOString() },
        Limit: limit,
      };
      for await (const item of table.query(oldestFirst)) {
        due.push(toDue(item));
        if (due.length === limit) break;
      }
      return due;
    },
    postpone(due, nextActionAt) {
      const command = new UpdateCommand({
        TableName: name,
        Key: { pipeline: due.pipeline, item: due.kind === 'run' ? runItem(due) : chunkItem(due) },
        UpdateExpression: 'SET nextActionAt = :next',
        ConditionExpression: 'nextActionAt = :expected',
        ExpressionAttributeValues: {
          ':next': nextActionAt.toISOString(),
          ':expected': due.nextActionAt.toISOString(),
        },
      });
      return table.writeConditionally(client.send(command));
    },
  };
}

function toDue(item: Item): DueWork {
  const pipeline = String(item.pipeline);
  const nextActionAt = new Date(String(item.nextActionAt));
  const [kind, ...rest] = String(item.item).split('#');
  if (kind === 'run')
    return { kind, pipeline, scopeKey: rest.join('#'), state: item.state as RunState, nextActionAt };
  const [runId = '', chunkId = ''] = rest;
  return { kind: 'chunk', pipeline, runId, chunkId, stage: item.stage as Stage, nextActionAt };
}
