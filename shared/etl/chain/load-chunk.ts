import { Failure } from '../../runtime/errors.ts';
import { booksOf } from '../books/books.ts';
import type { Destination, LoadFigures, StagedPart } from '../destinations/destination.ts';
import { tableShapeOf } from '../destinations/table-shape.ts';
import type { LeasedChunk, StageResult } from '../ledger/chunk.ts';
import type { Row } from '../record.ts';
import { loadIdAt } from '../run/scope.ts';
import { checkedPeers, refuseUnverified } from './checked-peers.ts';
import { type DestinationFigures, keepIndex, readIndex } from './chunk-index.ts';
import { readOwnLines } from './own-lines.ts';
import { type Part, type PartShelf, readPart } from './parts.ts';
import type { ChainPorts, DefinedRun, Worker } from './ports.ts';
import { rawShelf } from './shelves.ts';
import { resultOf } from './stage-result.ts';
import { workKeys } from './work-objects.ts';

/** Puts a chunk's staged rows into every destination. The books are what the first one tells. */
export async function loadChunk(
  ports: ChainPorts,
  worker: Worker,
  { chunk, run, pipeline }: DefinedRun & { chunk: LeasedChunk },
): Promise<StageResult> {
  const transformed = resultOf(chunk, 'transform');
  const { parts } = await readIndex(ports.buckets.work, transformed);
  const shelf = await rawShelf(ports, run);
  const destinations = await ports.ends.destinations(
    pipeline,
    await checkedPeers(ports, pipeline, worker.deadline.signal),
  );
  try {
    const told: DestinationFigures[] = [];
    for (const destination of destinations) {
      const figures = await destination.load({
        chunk: { ...chunk, loadId: loadIdAt(destination.name, run.loadId), fence: chunk.lease.fence },
        shape: tableShapeOf(pipeline),
        parts: parts.map((part, index) => stagedPart(shelf, part, { index, chunk })),
        signal: worker.deadline.signal,
      });
      refuseLoss(destination, figures, transformed.books.staged);
      told.push({ name: destination.name, ...figures });
    }
    const connections = refuseUnverified(ports.recorder.drain());
    const outKey = workKeys.index(run, `${chunk.chunkId}/load-${chunk.lease.fence}`);
    const outDigest = await keepIndex(ports.buckets.work, outKey, { parts, destinations: told });
    const { inserted = 0, updated = 0, unchanged = 0 } = told[0] ?? {};
    return { books: booksOf({ inserted, updated, unchanged }), outKey, outDigest, connections };
  } finally {
    for (const destination of destinations) await destination.close();
  }
}

const stagedPart = (
  shelf: PartShelf,
  part: Part,
  { index, chunk }: { index: number; chunk: LeasedChunk },
): StagedPart => ({
  index,
  rows: part.lines,
  digest: part.digest,
  read: () => readRows(shelf, part, chunk),
});

async function* readRows(shelf: PartShelf, part: Part, chunk: LeasedChunk): AsyncGenerator<readonly Row[]> {
  yield* readOwnLines(await readPart(shelf, part), () => broken(chunk));
}

const broken = ({ chunkId }: LeasedChunk) =>
  new Failure({
    code: 'staged-part-broken',
    disposition: 'bug',
    message: `a staged part of chunk ${chunkId} holds what certfleet did not write; supersede the run`,
  });

function refuseLoss({ name }: Destination, figures: LoadFigures, staged: number): void {
  const told = figures.inserted + figures.updated + figures.unchanged;
  if (told === staged) return;
  throw new Failure({
    code: 'books-unbalanced',
    disposition: 'give-up',
    message: `${name} tells of ${told} rows where ${staged} were staged; the run is not to be trusted`,
  });
}
