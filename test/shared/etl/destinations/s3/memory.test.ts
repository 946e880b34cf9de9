import { describe, expect, it } from 'vitest';
import type { StagedPart } from '../../../../../shared/etl/destinations/destination.ts';
import { createS3Destination } from '../../../../../shared/etl/destinations/s3/destination.ts';
import { createMemoryObjectStore } from '../../../../../shared/etl/objects/store.memory.ts';
import type { Row } from '../../../../../shared/etl/record.ts';
import { systemClock } from '../../../../../shared/runtime/clock.ts';
import { aColumn, aPart, aRequest, aRow, aShape } from '../builders.ts';

const rowsPerPart = 20_000;
const shape = aShape(
  aColumn('id'),
  aColumn('n', { type: 'integer' }),
  aColumn('text', { protection: 'encrypted' }),
);

/** Rows made as they are read, so that whatever stays in memory is the destination's. */
const lazyPart = (index: number): StagedPart => ({
  ...aPart([], { index, rows: rowsPerPart, digest: String(index) }),
  async *read() {
    for (let from = 0; from < rowsPerPart; from += 1_000)
      yield Array.from({ length: 1_000 }, (_, n): Row => rowOf(from + n));
  },
});
const rowOf = (n: number): Row => aRow({ id: `o-${n}`, n, text: `v1|key|iv|${'c'.repeat(80)}${n}|tag` });

describe('the S3 destination with many parts', () => {
  it.each(['ndjson', 'parquet'] as const)('holds one of them at a time (%s)', async (format) => {
    const store = createMemoryObjectStore(systemClock);
    let open = 0;
    let mostOpen = 0;
    let largest = 0;
    let written = 0;
    const objects: typeof store = {
      ...store,
      async create(upload) {
        written += upload.body.length;
        largest = Math.max(largest, upload.body.length);
        // The rows themselves are dropped: a store in memory would keep what the destination lets go.
        return store.create({ ...upload, body: Buffer.alloc(0) });
      },
    };
    const definition = { type: 's3', prefix: '', table: 'orders', format } as const;
    const destination = createS3Destination({ definition, objects, clock: systemClock });
    const parts = Array.from({ length: 12 }, (_, index) => ({
      ...lazyPart(index),
      read() {
        open += 1;
        mostOpen = Math.max(mostOpen, open);
        return counted(lazyPart(index).read(), () => {
          open -= 1;
        });
      },
    }));
    const figures = await destination.load(aRequest([], { parts, shape }));
    expect(figures.inserted).toBe(12 * rowsPerPart);
    expect({ open, mostOpen }).toEqual({ open: 0, mostOpen: 1 });
    expect(written).toBeGreaterThan(11 * largest);
  });
});

async function* counted<Item>(items: AsyncIterable<Item>, ended: () => void) {
  try {
    yield* items;
  } finally {
    ended();
  }
}
