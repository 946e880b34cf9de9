import type { Row } from '../../shared/etl/record.ts';
import { type RecordReading, RowFault, readable, unreadable } from '../../shared/etl/records/reading.ts';
import type { SourceSlice } from '../../shared/etl/run/manifest.ts';
import type { Source } from '../../shared/etl/sources/source.ts';

/** The definition that the scenes of the chain run: every kind of fate a record can have. */
export const aChainDefinition = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'orders',
  owner: 'data@example.com',
  window: { everySeconds: 3600 },
  source: {
    type: 'https',
    url: 'https://api.example.com/orders',
    format: { type: 'ndjson' },
    watermark: { column: 'at', parameter: 'since' },
  },
  contract: {
    columns: {
      id: { type: 'string', classification: 'internal' },
      at: { type: 'timestamp', classification: 'internal' },
      email: { type: 'string', nullable: true, classification: 'pii' },
      address: { type: 'string', nullable: true, classification: 'pii' },
      amount: { type: 'integer', classification: 'internal' },
    },
    key: ['id'],
  },
  transforms: [
    { type: 'filter', keep: 'row.amount > 0' },
    { type: 'hash_pii', column: 'email', kind: 'email' },
    { type: 'encrypt_column', column: 'address' },
    { type: 'dedupe' },
    { type: 'add_metadata' },
  ],
  destinations: [{ type: 's3', table: 'orders' }],
  quarantine: { failOn: 'percent', maxPercent: 50 },
  ...changes,
});

export interface SceneRecord {
  readonly fate: 'loaded' | 'filtered' | 'quarantined' | 'unreadable' | 'duplicate';
  readonly row: Row;
}

/** The records of a chunk: of every ten, five are loaded and the others have each another fate, two are bad. */
export function recordsOf(chunk: number, count: number): readonly SceneRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const fates = ['loaded', 'filtered', 'loaded', 'quarantined', 'loaded', 'unreadable', 'loaded'] as const;
    const fate = index % 8 === 7 ? 'duplicate' : (fates[index % 8] ?? 'loaded');
    const number = fate === 'duplicate' ? index - 1 : index;
    return {
      fate,
      row: {
        id: `o-${chunk}-${number}`,
        at: new Date(Date.UTC(2026, 10, 21, 11, chunk, number)).toISOString(),
        email: `person${chunk}.${number}@mail.example`,
        address: `${number} Canary Lane`,
        amount: fate === 'filtered' ? 0 : fate === 'quarantined' ? 'many' : number + 1,
      },
    };
  });
}

/** A source of `chunks` slices in memory, which is read in batches of `batch` and goes on from any of them. */
export function createSceneSource({
  chunks,
  records,
  batch,
}: {
  chunks: number;
  records: number;
  batch: number;
}): Source {
  return {
    description: 'memory',
    async plan() {
      return Array.from(
        { length: chunks },
        (_, index): SourceSlice => ({ kind: 'range', from: String(index) }),
      );
    },
    async *read({ slice, chunkId, checkpoint, signal }) {
      const chunk = slice.kind === 'range' ? Number(slice.from) : 0;
      const all = recordsOf(chunk, records);
      for (let at = Number(checkpoint ?? 0); at < all.length; at += batch) {
        signal.throwIfAborted();
        const readings = all
          .slice(at, at + batch)
          .map((record, index) => read(record, { chunkId, ordinal: at + index + 1 }));
        yield { readings, checkpoint: String(at + readings.length) };
      }
    },
    async close() {},
  };
}

const read = ({ fate, row }: SceneRecord, position: { chunkId: string; ordinal: number }): RecordReading =>
  fate === 'unreadable'
    ? unreadable(position, new RowFault('json-syntax', 'this is no JSON'))
    : readable(position, row);
