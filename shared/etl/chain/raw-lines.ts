import { Failure } from '../../runtime/errors.ts';
import type { QuarantinedRecord, QuarantineReason, RecordPosition, Row, SourceRecord } from '../record.ts';
import type { RecordReading } from '../records/reading.ts';
import { readOwnLines } from './own-lines.ts';

/**
 * A reading as a line of a raw part: the record's own JSON with its ordinal before it, or the reasons of one that
 * could not be read.
 */
export function rawLine(reading: RecordReading): string {
  if (reading.kind === 'record') {
    const { position, row } = reading.record;
    return `{"o":${position.ordinal},"r":${JSON.stringify(row)}}`;
  }
  const { position, reasons } = reading.quarantined;
  return JSON.stringify({ o: position.ordinal, q: reasons });
}

/** What a batch of raw lines holds, in its order. */
export interface RawBatch {
  readonly records: readonly SourceRecord[];
  readonly unreadable: readonly QuarantinedRecord[];
}

/** Reads raw lines in batches. @throws Failure `raw-part-broken` where a line is none of ours */
export async function* readRawLines(chunkId: string, text: Uint8Array): AsyncGenerator<RawBatch> {
  for (const lines of readOwnLines(text, () => broken(chunkId))) {
    const records: SourceRecord[] = [];
    const unreadable: QuarantinedRecord[] = [];
    for (const { o, r, q } of lines) {
      const position: RecordPosition = { chunkId, ordinal: Number(o) };
      if (typeof r === 'object' && r !== null) records.push({ position, row: r as Row });
      else if (Array.isArray(q)) unreadable.push({ position, reasons: q as unknown as QuarantineReason[] });
      else throw broken(chunkId);
    }
    yield { records, unreadable };
  }
}

const broken = (chunkId: string) =>
  new Failure({
    code: 'raw-part-broken',
    disposition: 'bug',
    message: `a raw part of chunk ${chunkId} holds what certfleet did not write; supersede the run`,
  });
