import type { Books } from '../../../../shared/etl/books/books.ts';
import { booksOf } from '../../../../shared/etl/books/books.ts';
import { type Chunk, firstChunk } from '../../../../shared/etl/ledger/chunk.ts';
import type { Run } from '../../../../shared/etl/ledger/run.ts';
import { firstRun, type RunPlan } from '../../../../shared/etl/ledger/run-changes.ts';
import { buildManifest, type Manifest } from '../../../../shared/etl/run/manifest.ts';
import { createSeededRandom } from '../../../support/seeded-random.ts';

export const noon = new Date('2026-11-21T12:00:00.000Z');
export const secondsLater = (seconds: number, from: Date = noon): Date =>
  new Date(from.getTime() + seconds * 1000);

export const aWindow = (hour = 11) => ({
  kind: 'window' as const,
  from: new Date(Date.UTC(2026, 10, 21, hour)),
  to: new Date(Date.UTC(2026, 10, 21, hour + 1)),
});

export const aPlan = (overrides: Partial<RunPlan> = {}): RunPlan => ({
  pipeline: 'orders',
  target: 's3://curated/orders',
  scope: aWindow(),
  trigger: 'schedule',
  configHash: 'c0ffee',
  contractVersion: '3',
  ...overrides,
});

const random = createSeededRandom(7);

export const aRun = (overrides: Partial<Run> = {}): Run => ({
  ...firstRun(aPlan(), { now: noon, random }),
  ...overrides,
});

export const aManifest = (runId: string, chunks: number): Manifest =>
  buildManifest(
    runId,
    Array.from({ length: chunks }, (_, index) => ({
      kind: 'object' as const,
      key: `raw/${index}.ndjson`,
      versionId: `v${index}`,
      etag: `e${index}`,
      sizeBytes: 1000 + index,
    })),
  );

export const someChunks = (run: Run, count: number): Chunk[] =>
  aManifest(run.runId, count).entries.map((entry) => firstChunk(run, entry, { of: count, now: noon }));

export const aChunk = (run: Run): Chunk => {
  const [chunk] = someChunks(run, 1);
  if (!chunk) throw new Error('a manifest of one has one');
  return chunk;
};

/** Each stage's part of a chunk of `10 + ordinal` records. */
export const partsOf = (ordinal: number): Readonly<Record<'extract' | 'transform' | 'load', Books>> => {
  const staged = 7 + ordinal;
  return {
    extract: booksOf({ extracted: 10 + ordinal }),
    transform: booksOf({ filtered: 1, quarantined: 1, duplicates: 1, staged }),
    load: booksOf({ inserted: staged - 3, updated: 2, unchanged: 1 }),
  };
};
