import { Failure } from '../../runtime/errors.ts';
import type { QuarantinedRecord, QuarantineReason, RecordPosition, Row, SourceRecord } from '../record.ts';
import { readRecords } from '../records/read-records.ts';
import type { RecordReading } from '../records/reading.ts';

/**
 * A reading as a line of a raw part: the record's own JSON, so that it is read again by the strict reader, with its
 * ordinal before it; or the reasons of one that could not be read.
 */
export function rawLine(reading: RecordReading): string {
  if (reading.kind === 'record') {
    const { position, row } = reading.record;
    return `{"o":${position.ordinal},"r":${JSON.stringify(row)}}`;
  }
  const { position, reasons } = reading.quarantined;
  return JSON.stringify({ o: position.ordinal, q: reasons });
}

/** A line wraps its record, so it may be that much larger and deeper than the record was allowed to be. */
const limits = {
  rowBytes: 8 * 1024 * 1024,
  depth: 36,
  stringBytes: 4 * 1024 * 1024,
  cells: 20_000,
};

/** What a batch of raw lines holds, in its order. */
export interface RawBatch {
  readonly records: readonly SourceRecord[];
  readonly unreadable: readonly QuarantinedRecord[];
}

/** Reads raw lines in batches. @throws Failure `raw-part-broken` where a line is none of ours */
export async function* readRawLines(chunkId: string, text: Uint8Array): AsyncGenerator<RawBatch> {
  const stream = { chunkId, bytes: oneOf(text), format: { type: 'ndjson' as const }, limits };
  for await (const readings of readRecords(stream)) {
    const records: SourceRecord[] = [];
    const unreadable: QuarantinedRecord[] = [];
    for (const reading of readings) {
      if (reading.kind !== 'record') throw broken(chunkId);
      const { o, r, q } = reading.record.row;
      const position: RecordPosition = { chunkId, ordinal: Number(o) };
      if (typeof r === 'object' && r !== null) records.push({ position, row: r as Row });
      else if (Array.isArray(q)) unreadable.push({ position, reasons: q as unknown as QuarantineReason[] });
      else throw broken(chunkId);
    }
    yield { records, unreadable };
  }
}

async function* oneOf(text: Uint8Array): AsyncGenerator<Uint8Array> {
  yield text;
}

const broken = (chunkId: string) =>
  new Failure({
    code: 'raw-part-broken',
    disposition: 'bug',
    message: `a raw part of chunk ${chunkId} holds what certfleet did not write; supersede the run`,
  });
