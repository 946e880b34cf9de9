import { isTimestamp } from '../contract/text-forms.ts';
import type { RecordReading } from '../records/reading.ts';

/** Instants t with fromMillis <= t < toMillis, in milliseconds since 1970. */
export interface ReadingPeriod {
  readonly column: string;
  readonly fromMillis: number;
  readonly toMillis: number;
}

/**
 * False for a record whose watermark lies outside the period. What cannot be placed in time stays, so that the
 * contract sets it aside where people see it, rather than its being lost here.
 */
export function isInPeriod(reading: RecordReading, { column, fromMillis, toMillis }: ReadingPeriod): boolean {
  if (reading.kind !== 'record') return true;
  const { row } = reading.record;
  const cell = Object.hasOwn(row, column) ? row[column] : undefined;
  if (typeof cell !== 'string' || !isTimestamp(cell)) return true;
  // Digits beyond the millisecond are cut off, which moves no instant over a bound of whole milliseconds.
  const millis = Date.parse(cell);
  return Number.isNaN(millis) || (millis >= fromMillis && millis < toMillis);
}
