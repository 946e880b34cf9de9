import type { QuarantinedRecord, RecordPosition, Row, SourceRecord } from '../record.ts';

/** What became of one row of the source: every row yields exactly one of these, blank lines yield none. */
export type RecordReading =
  | { readonly kind: 'record'; readonly record: SourceRecord }
  | { readonly kind: 'unreadable'; readonly quarantined: QuarantinedRecord };

/** Stable codes of rows that cannot be read; part of the public contract. */
export type RowFaultCode =
  | 'row-bytes-exceeded'
  | 'depth-exceeded'
  | 'columns-exceeded'
  | 'cells-exceeded'
  | 'array-length-exceeded'
  | 'string-bytes-exceeded'
  | 'utf8-broken'
  | 'json-syntax'
  | 'not-an-object'
  | 'key-refused'
  | 'key-repeated'
  | 'number-not-finite'
  | 'surrogate-lone'
  | 'csv-field-count'
  | 'csv-quote-misplaced'
  | 'csv-carriage-return-bare';

/**
 * A row that is set aside while its neighbours go on. The message holds names of rules and numbers alone; keys
 * of an unread row count as values here, since a map keyed by e-mail addresses is one.
 */
export class RowFault extends Error {
  readonly code: RowFaultCode;

  constructor(code: RowFaultCode, message: string) {
    super(message);
    this.name = 'RowFault';
    this.code = code;
  }
}

export function readable(position: RecordPosition, row: Row): RecordReading {
  return { kind: 'record', record: { position, row } };
}

export function unreadable(position: RecordPosition, { code, message }: RowFault): RecordReading {
  return { kind: 'unreadable', quarantined: { position, reasons: [{ code, stage: 'parse', message }] } };
}

/** Names that reach the prototype chain in code which copies keys carelessly (CWE-1321). */
export function isRefusedKey(key: string): boolean {
  if (key.length !== 9 && key.length !== 11) return false;
  return key === '__proto__' || key === 'prototype' || key === 'constructor';
}
