import { addBooks, type Books, booksOf } from '../books/books.ts';
import { addTallies, type QualityTally } from '../books/quality.ts';
import { mergeDrift, noDrift, type SchemaDrift } from '../contract/drift.ts';
import { type PiiWarning, scanForUndeclaredPii } from '../contract/undeclared-pii.ts';
import type { LeasedChunk, StageResult } from '../ledger/chunk.ts';
import type { QuarantinedRecord, Row } from '../record.ts';
import type { TransformPlan } from '../transforms/plan.ts';
import { createSeenKeys } from '../transforms/seen-keys.ts';
import { transformBatch } from '../transforms/transform-batch.ts';
import { keepIndex, readIndex } from './chunk-index.ts';
import { preparePlan } from './materials.ts';
import { createPartWriter, readPart } from './parts.ts';
import type { ChainPorts, DefinedRun, Worker } from './ports.ts';
import { quarantineLine, quarantineOfRun } from './quarantine-lines.ts';
import { type RawBatch, readRawLines } from './raw-lines.ts';
import { quarantineShelf, rawShelf } from './shelves.ts';
import { resultOf } from './stage-result.ts';
import { stagedRow } from './staged-row.ts';
import { workKeys } from './work-objects.ts';

/** Rows of a chunk that are looked through for personal data nobody has declared. */
const sampledRows = 1_000;

/** Takes a chunk through contract and transforms, into staged parts and into quarantine. */
export async function transformChunk(
  ports: ChainPorts,
  worker: Worker,
  { chunk, run, pipeline }: DefinedRun & { chunk: LeasedChunk },
): Promise<StageResult> {
  const shelf = await rawShelf(ports, run);
  const { plan, keyIds } = await preparePlan(ports, { run, pipeline });
  const place = `${chunk.chunkId}/transform-${chunk.lease.fence}`;
  const staged = createPartWriter(shelf, { prefix: `${workKeys.parts(run, 'staged')}${place}/` });
  const aside = createPartWriter(await quarantineShelf(ports, run), {
    prefix: `${quarantineOfRun(run)}${place}/`,
  });
  const tally = createTally(plan);
  const seen = createSeenKeys(ports.random);
  const { parts } = await readIndex(ports.buckets.work, resultOf(chunk, 'extract'));
  for (const part of parts) {
    worker.deadline.signal.throwIfAborted();
    for await (const batch of readRawLines(chunk.chunkId, await readPart(shelf, part))) {
      const { rows, quarantined } = tally.take(batch, transformBatch(batch.records, plan, seen));
      for (const row of rows) staged.add(JSON.stringify(stagedRow(row, plan)));
      for (const record of quarantined) aside.add(quarantineLine(record));
      await staged.flushFull();
      await aside.flushFull();
    }
  }
  await staged.flush();
  await aside.flush();
  const outKey = workKeys.index(run, place);
  const outDigest = await keepIndex(ports.buckets.work, outKey, {
    parts: staged.parts,
    quarantined: aside.parts,
    drift: tally.drift,
    piiWarnings: tally.scan(),
    keyIds,
  });
  return { books: tally.books, quality: tally.quality, outKey, outDigest };
}

/** What became of a chunk's records, batch by batch. */
function createTally({ clearColumns }: TransformPlan) {
  const books: Books[] = [];
  const qualities: QualityTally[] = [];
  const sample: Row[] = [];
  let drift: SchemaDrift = noDrift;
  return {
    take({ unreadable }: RawBatch, transformed: ReturnType<typeof transformBatch>) {
      const { accepted, filtered, duplicates, quality } = transformed;
      const quarantined: QuarantinedRecord[] = [...unreadable, ...transformed.quarantined];
      const part = { filtered, duplicates, quarantined: quarantined.length, staged: accepted.length };
      books.push(booksOf(part));
      qualities.push(quality);
      drift = mergeDrift(drift, transformed.drift);
      const rows = accepted.map(({ row }) => row);
      if (sample.length < sampledRows) sample.push(...rows.slice(0, sampledRows - sample.length));
      return { rows, quarantined };
    },
    scan: (): PiiWarning[] => scanForUndeclaredPii(sample, clearColumns),
    get books() {
      return addBooks(books);
    },
    get quality() {
      return addTallies(qualities);
    },
    get drift() {
      return drift;
    },
  };
}
