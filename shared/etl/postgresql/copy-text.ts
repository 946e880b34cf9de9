import { Failure } from '../../runtime/errors.ts';
import type { TableColumn } from '../destinations/destination.ts';
import type { Cell, Row } from '../record.ts';

/** What the text format of COPY reads as something else (PostgreSQL documentation, COPY, Text Format). */
const special = /[\\\t\n\r\b\f\v]/g;
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
};
const null_ = '\\N';

const chunkCharacters = 64 * 1024;

/**
 * Rows as COPY's text format, one line each: the given columns, and the row's number from `firstOrdinal` on behind
 * them.
 * @throws Failure `target-refused-rows`, naming the column, for text that PostgreSQL cannot hold: NUL, half a
 * surrogate pair; and for an object where text is expected
 */
export function* copyLines(
  rows: readonly Row[],
  columns: readonly TableColumn[],
  firstOrdinal: number,
): Generator<Buffer> {
  const writers = columns.map((column) => ({ name: column.name, write: writerOf(column) }));
  let text = '';
  let ordinal = firstOrdinal;
  for (const row of rows) {
    for (const { name, write } of writers) text += `${write(row[name] ?? null)}\t`;
    text += `${ordinal}\n`;
    ordinal += 1;
    if (text.length < chunkCharacters) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function writerOf({ name, type }: TableColumn): (cell: Cell) => string {
  return (cell) => {
    if (cell === null) return null_;
    if (type === 'json') return escapeText(documentText(cell, name), name);
    if (typeof cell === 'string') return escapeText(cell, name);
    if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
    throw refusal(name, 'an object where one value is expected');
  };
}

/** NUL, or half a surrogate pair: JSON can write both, jsonb can hold neither. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

function documentText(cell: Cell, column: string): string {
  const text = JSON.stringify(cell);
  if (unstorable.test(text)) throw refusal(column, 'NUL or half a surrogate pair, which jsonb cannot hold');
  return text;
}

function escapeText(text: string, column: string): string {
  if (text.includes('\0')) throw refusal(column, 'a NUL character, which PostgreSQL cannot hold');
  if (!text.isWellFormed()) throw refusal(column, 'half a surrogate pair, which is no text');
  return text.replace(special, (character) => escapes[character] ?? character);
}

const refusal = (column: string, what: string) =>
  new Failure({
    code: 'target-refused-rows',
    disposition: 'give-up',
    message: `the column ${JSON.stringify(column)} holds ${what}; mend it by the contract or a transform`,
  });
