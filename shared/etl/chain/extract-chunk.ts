import { Failure } from '../../runtime/errors.ts';
import { booksOf } from '../books/books.ts';
import type { WorkOutcome } from '../ledger/carry-chunk.ts';
import type { LeasedChunk } from '../ledger/chunk.ts';
import type { SourceBatch } from '../sources/source.ts';
import { checkedPeers, refuseUnverified } from './checked-peers.ts';
import { keepIndex } from './chunk-index.ts';
import { createPartWriter, type Part, type PartWriter } from './parts.ts';
import type { ChainPorts, DefinedRun, Worker } from './ports.ts';
import { rawLine } from './raw-lines.ts';
import { rawShelf } from './shelves.ts';
import { openSourceOf } from './source-of-run.ts';
import { keepStandstill, readStandstill } from './standstill.ts';
import { workKeys } from './work-objects.ts';

/** Left of a worker's time when it stops reading: to write what it has, and hand over. */
const reserveMillis = 60_000;
/** What one chunk may hold: it is transformed, and loaded, within one invocation each. */
const mostRecords = 2_000_000;

/** Reads a chunk of the source into sealed raw parts; stops before its time ends, and goes on from there. */
export async function extractChunk(
  ports: ChainPorts,
  worker: Worker,
  { chunk, run, pipeline }: DefinedRun & { chunk: LeasedChunk },
): Promise<WorkOutcome> {
  const peers = await checkedPeers(ports, pipeline, worker.deadline.signal);
  const source = await openSourceOf(ports, { run, pipeline, peers });
  try {
    const shelf = await rawShelf(ports, run);
    const place = `${chunk.chunkId}/extract-${chunk.lease.fence}`;
    const resumed = chunk.checkpoint ? await readStandstill(shelf, chunk.checkpoint) : undefined;
    const writer = createPartWriter(shelf, {
      prefix: `${workKeys.parts(run, 'raw')}${place}/`,
      before: resumed?.parts ?? [],
    });
    const batches = source.read({
      chunkId: chunk.chunkId,
      slice: chunk.slice,
      checkpoint: resumed?.checkpoint,
      signal: worker.deadline.signal,
    });
    const stoppedAt = await copy(batches, writer, worker);
    refuseTooMany(writer.parts, chunk);
    const connections = refuseUnverified(ports.recorder.drain());
    if (stoppedAt !== undefined) {
      const standstill = { checkpoint: stoppedAt, parts: writer.parts };
      const key = `${workKeys.parts(run, 'raw')}${place}-stopped`;
      return { checkpoint: await keepStandstill(shelf, key, standstill) };
    }
    const outKey = workKeys.index(run, place);
    const outDigest = await keepIndex(ports.buckets.work, outKey, { parts: writer.parts });
    return { books: booksOf({ extracted: countLines(writer.parts) }), outKey, outDigest, connections };
  } finally {
    await source.close();
  }
}

/** Answers the checkpoint where reading stopped because time ran out; undefined at the source's end. */
async function copy(
  batches: AsyncIterable<SourceBatch>,
  writer: PartWriter,
  { deadline }: Worker,
): Promise<string | undefined> {
  let total = countLines(writer.parts);
  for await (const { readings, checkpoint } of batches) {
    for (const reading of readings) writer.add(rawLine(reading));
    total += readings.length;
    await writer.flushFull();
    const stops = checkpoint !== undefined && deadline.remainingMillis() < reserveMillis;
    if (!stops && total <= mostRecords) continue;
    await writer.flush();
    return checkpoint;
  }
  await writer.flush();
  return undefined;
}

export const countLines = (parts: readonly Part[]): number =>
  parts.reduce((sum, { lines }) => sum + lines, 0);

function refuseTooMany(parts: readonly Part[], { chunkId, pipeline }: LeasedChunk): void {
  if (countLines(parts) <= mostRecords) return;
  throw new Failure({
    code: 'chunk-too-large',
    disposition: 'give-up',
    message: `chunk ${chunkId} of ${pipeline} holds more than ${mostRecords} records; give the pipeline a shorter window`,
  });
}
