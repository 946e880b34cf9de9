import { type InventoryProblem, quote } from './problems.ts';

export type JsonReading =
  | { readonly ok: true; readonly value: unknown; readonly repeatedKeys: readonly InventoryProblem[] }
  | { readonly ok: false; readonly problem: InventoryProblem };

interface Cursor {
  readonly text: string;
  offset: number;
  readonly repeatedKeys: InventoryProblem[];
}

class SyntaxFault extends Error {}

const maximumDepth = 32;
const whitespace = /[ \t\r\n]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const plainCharacters = /[^"\\\p{Cc}]*/uy;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Reads JSON (RFC 8259) as JSON.parse does, and says where it is broken by line and column, both from 1. Keys
 * repeated in one object are named, because programs differ in which of the two they read.
 */
export function readJson(text: string): JsonReading {
  const cursor: Cursor = { text, offset: 0, repeatedKeys: [] };
  try {
    scanValue(cursor, '', 0);
    if (peek(cursor) !== '') throw new SyntaxFault('text after the end');
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const { line, column } = locate(cursor);
    return {
      ok: false,
      problem: { path: `line ${line}, column ${column}`, message: `broken JSON: ${error.message}` },
    };
  }
  return { ok: true, value: JSON.parse(text), repeatedKeys: cursor.repeatedKeys };
}

function scanValue(cursor: Cursor, path: string, depth: number): void {
  if (depth > maximumDepth) throw new SyntaxFault(`nested deeper than ${maximumDepth} levels`);
  const next = peek(cursor);
  if (next === '[') scanArray(cursor, path, depth);
  else if (next === '{') scanObject(cursor, path, depth);
  else if (next === '"') scanString(cursor);
  else if (!take(cursor, scalar)) throw new SyntaxFault(unexpected(cursor, 'a value'));
}

function scanArray(cursor: Cursor, path: string, depth: number): void {
  cursor.offset += 1;
  if (skip(cursor, ']')) return;
  for (let index = 0; ; index += 1) {
    scanValue(cursor, `${path}[${index}]`, depth + 1);
    if (skip(cursor, ']')) return;
    expect(cursor, ',', '"," or "]"');
  }
}

function scanObject(cursor: Cursor, path: string, depth: number): void {
  cursor.offset += 1;
  if (skip(cursor, '}')) return;
  const seen = new Set<string>();
  for (;;) {
    if (peek(cursor) !== '"') throw new SyntaxFault(unexpected(cursor, 'a key in double quotes'));
    const key = scanString(cursor);
    const place = path === '' ? key : `${path}.${key}`;
    if (seen.has(key)) cursor.repeatedKeys.push({ path, message: `key ${quote(key)} is given twice` });
    seen.add(key);
    expect(cursor, ':', '":"');
    scanValue(cursor, place, depth + 1);
    if (skip(cursor, '}')) return;
    expect(cursor, ',', '"," or "}"');
  }
}

function scanString(cursor: Cursor): string {
  const start = cursor.offset;
  cursor.offset += 1;
  for (;;) {
    take(cursor, plainCharacters);
    const next = cursor.text[cursor.offset];
    if (next === '"') {
      cursor.offset += 1;
      return JSON.parse(cursor.text.slice(start, cursor.offset));
    }
    if (next === undefined) throw new SyntaxFault('a string without its closing quote');
    if (next !== '\\' && next >= ' ') cursor.offset += 1;
    else if (!take(cursor, escapeSequence)) throw new SyntaxFault('a wrong escape or a control character');
  }
}

function peek(cursor: Cursor): string {
  take(cursor, whitespace);
  return cursor.text[cursor.offset] ?? '';
}

function skip(cursor: Cursor, character: string): boolean {
  if (peek(cursor) !== character) return false;
  cursor.offset += 1;
  return true;
}

function expect(cursor: Cursor, character: string, wanted: string): void {
  if (!skip(cursor, character)) throw new SyntaxFault(unexpected(cursor, wanted));
}

function take(cursor: Cursor, pattern: RegExp): boolean {
  pattern.lastIndex = cursor.offset;
  if (!pattern.test(cursor.text)) return false;
  cursor.offset = pattern.lastIndex;
  return true;
}

const unexpected = (cursor: Cursor, wanted: string): string => {
  const found = cursor.text.slice(cursor.offset, cursor.offset + 1);
  return `${found === '' ? 'the text ends' : `${quote(found)} found`} where ${wanted} belongs`;
};

function locate({ text, offset }: Cursor): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}
