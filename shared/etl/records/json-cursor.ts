import type { RecordLimits } from './limits.ts';
import { RowFault, type RowFaultCode } from './reading.ts';

/** A place in the text of one row, and what was counted on the way there. */
export interface Cursor {
  readonly text: string;
  readonly limits: RecordLimits;
  offset: number;
  cells: number;
}

const whitespace = /[ \t\r\n]*/y;

/** The next character that is no whitespace, empty at the end. */
export function peek(cursor: Cursor): string {
  take(cursor, whitespace);
  return cursor.text[cursor.offset] ?? '';
}

/** Steps over `character` where it comes next. */
export function skip(cursor: Cursor, character: string): boolean {
  if (peek(cursor) !== character) return false;
  cursor.offset += 1;
  return true;
}

/** Steps over what the sticky `pattern` matches here. */
export function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.offset;
  const [match] = pattern.exec(cursor.text) ?? [''];
  cursor.offset += match.length;
  return match;
}

export function syntaxFault(cursor: Cursor, what: string): RowFault {
  return fault(cursor, 'json-syntax', what);
}

/** A fault that says where, and never what stood there. */
export function fault({ text, offset }: Cursor, code: RowFaultCode, what: string): RowFault {
  const byte = Buffer.byteLength(text.slice(0, offset));
  return new RowFault(code, `${what}, at byte ${byte} of the row; correct it at the source and replay`);
}
