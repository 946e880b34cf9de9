import type { Cell } from '../record.ts';
import { type Cursor, fault, peek, skip, syntaxFault, take } from './json-cursor.ts';
import type { RecordLimits } from './limits.ts';
import { isRefusedKey } from './reading.ts';

const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const word = /true|false|null/y;
const notFinite = /-?(?:NaN|Infinity)/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 forbids exactly these bare
const plainCharacters = /[^"\\\u0000-\u001f]*/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const words: Readonly<Record<string, null | boolean>> = { true: true, false: false, null: null };

/**
 * Reads one JSON text (RFC 8259) character by character into cells: integers beyond 2^53 - 1 stay as their
 * digits, objects have no prototype. It is several times slower than `JSON.parse` and is asked where that cannot
 * answer: duplicate keys, big integers, lone surrogates, and where exactly a text is broken. Throws a RowFault
 * that names the rule and the byte within the text.
 */
export function parseStrictly(text: string, limits: RecordLimits): Cell {
  const cursor: Cursor = { text, limits, offset: 0, cells: -1 };
  const value = readValue(cursor, 1);
  if (peek(cursor) !== '') throw syntaxFault(cursor, 'text after the end of the value');
  return value;
}

function readValue(cursor: Cursor, depth: number): Cell {
  cursor.cells += 1;
  if (cursor.cells > cursor.limits.cells) {
    throw fault(cursor, 'cells-exceeded', `more than ${cursor.limits.cells} values`);
  }
  const next = peek(cursor);
  if (next === '{') return readObject(cursor, depth);
  if (next === '[') return readArray(cursor, depth);
  if (next === '"') return readString(cursor);
  const literal = take(cursor, word);
  return literal === '' ? readNumber(cursor) : (words[literal] ?? null);
}

function readObject(cursor: Cursor, depth: number): Cell {
  enter(cursor, depth);
  const names = new Set<string>();
  const object: Record<string, Cell> = {};
  if (!skip(cursor, '}')) {
    do {
      if (peek(cursor) !== '"') throw syntaxFault(cursor, 'a key in double quotes is missing');
      const name = readString(cursor);
      checkKey(cursor, names, name);
      if (!skip(cursor, ':')) throw syntaxFault(cursor, 'a colon is missing');
      object[name] = readValue(cursor, depth + 1);
    } while (skip(cursor, ','));
    if (!skip(cursor, '}')) throw syntaxFault(cursor, 'a comma or a closing brace is missing');
  }
  return Object.setPrototypeOf(object, null);
}

function readArray(cursor: Cursor, depth: number): Cell {
  enter(cursor, depth);
  const elements: Cell[] = [];
  if (skip(cursor, ']')) return elements;
  do {
    if (elements.length === cursor.limits.arrayLength) {
      throw fault(cursor, 'array-length-exceeded', `an array of more than ${elements.length} elements`);
    }
    elements.push(readValue(cursor, depth + 1));
  } while (skip(cursor, ','));
  if (!skip(cursor, ']')) throw syntaxFault(cursor, 'a comma or a closing bracket is missing');
  return elements;
}

function readString(cursor: Cursor): string {
  const start = cursor.offset;
  let isEscaped = false;
  cursor.offset += 1;
  for (;;) {
    take(cursor, plainCharacters);
    if (cursor.text[cursor.offset] === '"') break;
    if (take(cursor, escapeSequence) === '') {
      throw syntaxFault(cursor, 'a string has no closing quote, a wrong escape or a bare control character');
    }
    isEscaped = true;
  }
  cursor.offset += 1;
  const raw = cursor.text.slice(start, cursor.offset);
  const value: string = isEscaped ? JSON.parse(raw) : raw.slice(1, -1);
  if (isEscaped && !value.isWellFormed()) {
    throw fault({ ...cursor, offset: start }, 'surrogate-lone', 'half of a surrogate pair');
  }
  checkLength(cursor, start, value);
  return value;
}

function readNumber(cursor: Cursor): Cell {
  const start = cursor.offset;
  const literal = take(cursor, number);
  if (literal === '') {
    if (take(cursor, notFinite) !== '')
      throw fault({ ...cursor, offset: start }, 'number-not-finite', 'NaN or Infinity');
    throw syntaxFault(cursor, 'a value is missing');
  }
  const value = Number(literal);
  if (Number.isSafeInteger(value)) return value;
  if (/^-?\d+$/.test(literal)) {
    checkLength(cursor, start, literal);
    return literal;
  }
  if (!Number.isFinite(value))
    throw fault({ ...cursor, offset: start }, 'number-not-finite', 'a number too large for a double');
  return value;
}

function enter(cursor: Cursor, depth: number): void {
  const { limits } = cursor;
  if (depth > limits.depth) throw fault(cursor, 'depth-exceeded', `more than ${limits.depth} levels`);
  cursor.offset += 1;
}

function checkKey(cursor: Cursor, names: Set<string>, name: string): void {
  if (isRefusedKey(name)) throw fault(cursor, 'key-refused', '__proto__, constructor or prototype as a key');
  if (names.has(name)) throw fault(cursor, 'key-repeated', 'a key given twice');
  names.add(name);
  if (names.size > cursor.limits.columns) {
    throw fault(cursor, 'columns-exceeded', `an object of more than ${cursor.limits.columns} keys`);
  }
}

function checkLength(cursor: Cursor, start: number, value: string): void {
  const { stringBytes } = cursor.limits;
  if (value.length * 3 <= stringBytes || Buffer.byteLength(value) <= stringBytes) return;
  throw fault(
    { ...cursor, offset: start },
    'string-bytes-exceeded',
    `a string of more than ${stringBytes} bytes`,
  );
}
