import { randomUUID } from 'node:crypto';
import { PutCommand, type PutCommandInput, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { RunLedger } from './ledger.ts';
import { dueIn, type LedgerTable, runItem } from './ledger-table.dynamodb.ts';
import type { Run } from './run.ts';
import { readRun, toAttributes } from './stored-item.ts';

const scheduleItem = 'schedule';

type Condition = Pick<PutCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'>;

/** A ledger's runs: `run#<scope>`, those of windows in the order of time; `schedule` says how far those are opened. */
export function runsIn(
  table: LedgerTable,
): Pick<RunLedger, 'openRun' | 'getRun' | 'replaceRun' | 'lastCommit' | 'scheduledUntil' | 'markScheduled'> {
  const put = (run: Run, { ConditionExpression, ExpressionAttributeValues }: Condition) => {
    // The write's own id lets the SDK repeat one whose answer was lost.
    const writeId = randomUUID();
    const due = dueIn(run.pipeline, run.nextActionAt);
    const command = new PutCommand({
      TableName: table.name,
      Item: { ...toAttributes(run), item: runItem(run), ...due, writeId },
      ConditionExpression: `${ConditionExpression} OR writeId = :writeId`,
      ExpressionAttributeValues: { ...ExpressionAttributeValues, ':writeId': writeId },
    });
    return table.writeConditionally(table.client.send(command));
  };
  const get: RunLedger['getRun'] = async (slot) => {
    const item = await table.get(slot.pipeline, runItem(slot));
    return item && readRun(item);
  };
  return {
    async openRun(run) {
      const opened = await put(run, { ConditionExpression: 'attribute_not_exists(pipeline)' });
      return opened ? run : ((await get(run)) ?? run);
    },
    getRun: get,
    replaceRun: (run) =>
      put(run, {
        ConditionExpression: 'version = :before',
        ExpressionAttributeValues: { ':before': run.version - 1 },
      }),
    async lastCommit(pipeline) {
      const windows = table.startingWith(pipeline, 'run#window/');
      for await (const item of table.query({ ...windows, ScanIndexForward: false, Limit: 10 })) {
        const { committed } = readRun(item);
        if (committed) return committed;
      }
      return undefined;
    },
    async scheduledUntil(pipeline) {
      const item = await table.get(pipeline, scheduleItem);
      return item && new Date(String(item.scheduledUntil));
    },
    async markScheduled(pipeline, until) {
      const command = new UpdateCommand({
        TableName: table.name,
        Key: { pipeline, item: scheduleItem },
        UpdateExpression: 'SET scheduledUntil = :until',
        ConditionExpression: 'attribute_not_exists(scheduledUntil) OR scheduledUntil < :until',
        ExpressionAttributeValues: { ':until': until.toISOString() },
      });
      await table.writeConditionally(table.client.send(command));
    },
  };
}
