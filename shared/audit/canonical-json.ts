import { Failure } from '../runtime/errors.ts';

/** What may be hashed or signed: numbers are integers a double holds exactly, so that rounding cannot matter. */
export type CanonicalValue =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalValue[]
  | { readonly [name: string]: CanonicalValue | undefined };

/**
 * A value as JSON in the one form of RFC 8785: no white space, names in the order of their UTF-16 units (3.2.3),
 * strings with the fewest escapes (3.2.2.2). Members that are undefined are left out.
 * @throws Failure `not-canonical` for numbers that are no safe integers, lone surrogates, and what JSON does not
 *   have; names the place by its JSON pointer
 */
export function canonicalJson(value: CanonicalValue): string {
  return write(value, '');
}

function write(value: unknown, pointer: string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return writeInteger(value, pointer);
  if (typeof value === 'string') return writeText(value, pointer);
  if (Array.isArray(value))
    return `[${value.map((each, index) => write(each, `${pointer}/${index}`)).join(',')}]`;
  if (isPlainObject(value)) return writeObject(value, pointer);
  throw notCanonical(pointer, `is of type ${typeof value}`);
}

function writeInteger(value: number, pointer: string): string {
  // RFC 8785 has no minus before zero (3.2.2.3), and JSON.stringify agrees.
  if (Number.isSafeInteger(value)) return JSON.stringify(value);
  throw notCanonical(pointer, 'is no integer between -(2^53 - 1) and 2^53 - 1');
}

function writeText(value: string, pointer: string): string {
  // JSON.stringify would escape a lone surrogate, where RFC 8785 (3.2.2.2) asks for an error.
  if (value.isWellFormed()) return JSON.stringify(value);
  throw notCanonical(pointer, 'has half of a surrogate pair');
}

function writeObject(value: Readonly<Record<string, unknown>>, pointer: string): string {
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    // The default order of sort is that of UTF-16 units.
    .sort()
    .map((name) => `${writeText(name, pointer)}:${write(value[name], `${pointer}/${escapePointer(name)}`)}`);
  return `{${members.join(',')}}`;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const notCanonical = (pointer: string, what: string) =>
  new Failure({
    code: 'not-canonical',
    disposition: 'bug',
    message: `the value at "${pointer}" ${what} and has no canonical form; give it as text`,
  });
