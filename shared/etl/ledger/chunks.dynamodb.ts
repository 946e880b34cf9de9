import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mapBounded } from '../../runtime/concurrency.ts';
import { type Chunk, chunkLost, type LeasedChunk } from './chunk.ts';
import type { RunLedger } from './ledger.ts';
import {
  chunkItem,
  chunksOf,
  dueIn,
  type Item,
  type LedgerTable,
  tallyItem,
} from './ledger-table.dynamodb.ts';
import type { Lease } from './run.ts';
import { readChunk, toAttributes } from './stored-item.ts';

type ChunkVerbs =
  | 'addChunks'
  | 'getChunk'
  | 'listChunks'
  | 'claimChunk'
  | 'saveChunk'
  | 'releaseChunk'
  | 'countFinished'
  | 'finishedCount';

const writesAtOnce = 16;

/** A ledger's chunks, `chunk#<run>#<chunk>`, and the tallies of those through, `finished#<run>#<stage>`. */
export function chunksIn(table: LedgerTable): Pick<RunLedger, ChunkVerbs> {
  const { client, name: TableName } = table;
  const toItem = (chunk: Chunk, held: Item) => ({
    ...toAttributes(chunk),
    item: chunkItem(chunk),
    ...dueIn(chunk.pipeline, chunk.nextActionAt),
    ...held,
  });
  const add = (chunk: Chunk) => {
    const Item = toItem(chunk, { fence: 0 });
    const command = new PutCommand({
      TableName,
      Item,
      ConditionExpression: 'attribute_not_exists(pipeline)',
    });
    return table.writeConditionally(client.send(command));
  };
  const putUnderFence = async (leased: LeasedChunk, lease: Lease | undefined) => {
    const { lease: held, ...chunk } = leased;
    const written = lease ? { ...chunk, nextActionAt: lease.until } : chunk;
    const holder = lease && { leaseOwner: lease.owner, leaseUntil: lease.until.toISOString() };
    const command = new PutCommand({
      TableName,
      Item: toItem(written, { fence: held.fence, ...holder }),
      ConditionExpression: 'fence = :fence',
      ExpressionAttributeValues: { ':fence': held.fence },
    });
    if (!(await table.writeConditionally(client.send(command)))) throw chunkLost(leased);
  };

  return {
    async addChunks(chunks) {
      await mapBounded(chunks, writesAtOnce, add);
    },
    async getChunk(ref) {
      const item = await table.get(ref.pipeline, chunkItem(ref));
      return item && readChunk(item);
    },
    async listChunks({ pipeline, runId }) {
      // Chunk ids begin with the place in the manifest, so that the keys are in its order.
      const items = await Array.fromAsync(table.query(table.startingWith(pipeline, chunksOf(runId))));
      return items.map(readChunk);
    },
    async claimChunk(ref, { owner, now, until }) {
      const command = new UpdateCommand({
        TableName,
        Key: { pipeline: ref.pipeline, item: chunkItem(ref) },
        UpdateExpression:
          'SET fence = fence + :one, leaseOwner = :owner, leaseUntil = :until, nextActionAt = :until, ' +
          'duePipeline = :pipeline',
        ConditionExpression:
          'attribute_exists(fence) AND phase <> :done ' +
          'AND (attribute_not_exists(restsUntil) OR restsUntil <= :now) ' +
          'AND (attribute_not_exists(leaseUntil) OR leaseUntil <= :now OR leaseOwner = :owner)',
        ExpressionAttributeValues: {
          ':one': 1,
          ':done': 'done',
          ':owner': owner,
          ':now': now.toISOString(),
          ':until': until.toISOString(),
          ':pipeline': ref.pipeline,
        },
        ReturnValues: 'ALL_OLD',
      });
      const before = (await table.answerConditionally(client.send(command)))?.Attributes;
      if (!before) return undefined;
      const fence = Number(before.fence) + 1;
      const takenOver = before.leaseOwner !== undefined;
      return { ...readChunk(before), nextActionAt: until, lease: { owner, until, fence, takenOver } };
    },
    saveChunk: (leased) => putUnderFence(leased, { owner: leased.lease.owner, until: leased.lease.until }),
    releaseChunk: (leased) => putUnderFence(leased, undefined),

    async countFinished({ pipeline, runId, ordinal }, stage) {
      const command = new UpdateCommand({
        TableName,
        Key: { pipeline, item: tallyItem(runId, stage) },
        // A set: said twice, it is counted once.
        UpdateExpression: 'ADD ordinals :ordinal',
        ExpressionAttributeValues: { ':ordinal': new Set([ordinal]) },
        ReturnValues: 'UPDATED_NEW',
      });
      return sizeOf((await table.reach(client.send(command))).Attributes);
    },
    finishedCount: async ({ pipeline, runId }, stage) =>
      sizeOf(await table.get(pipeline, tallyItem(runId, stage))),
  };
}

const sizeOf = (tally: Item | undefined): number =>
  tally?.ordinals instanceof Set ? tally.ordinals.size : 0;
