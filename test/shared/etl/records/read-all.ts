import type { QuarantinedRecord, SourceRecord } from '../../../../shared/etl/record.ts';
import { type RecordStream, readRecords } from '../../../../shared/etl/records/read-records.ts';
import { Failure } from '../../../../shared/runtime/errors.ts';

export interface Verdict {
  readonly records: readonly SourceRecord[];
  readonly unreadable: readonly QuarantinedRecord[];
  readonly failure: Failure | undefined;
}

export type ReadOptions = Omit<RecordStream, 'bytes' | 'chunkId'> & {
  readonly chunkBytes?: number | undefined;
};

/** Everything that becomes of `bytes` handed over in chunks of `chunkBytes`. */
export async function readAll(bytes: Uint8Array, options: ReadOptions): Promise<Verdict> {
  const records: SourceRecord[] = [];
  const unreadable: QuarantinedRecord[] = [];
  let failure: Failure | undefined;
  try {
    const source = chunksOf(bytes, options.chunkBytes ?? 64 * 1024);
    for await (const batch of readRecords({ ...options, bytes: source, chunkId: 'chunk-1' })) {
      for (const reading of batch) {
        if (reading.kind === 'record') records.push(reading.record);
        else unreadable.push(reading.quarantined);
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    failure = error;
  }
  return { records, unreadable, failure };
}

export async function* chunksOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    yield bytes.subarray(offset, offset + chunkBytes);
  }
}

/** A row as a test writes it down: prototypes are checked elsewhere. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
