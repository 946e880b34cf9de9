import type { Failure } from '../../runtime/errors.ts';
import type { Cell, Row } from '../record.ts';
import { asBuffer, decodeUtf8 } from '../records/utf8.ts';

/** Decoded at once. */
const blockBytes = 128 * 1024;
const lineFeed = 0x0a;

/**
 * The objects in the lines of a part, in batches, none of which has a prototype. For what certfleet has written and
 * sealed itself: the strict reader has had these rows before, and would take a double of 2^53 or more, which JSON
 * writes as digits alone, for an integer that no double can hold. Throws what `broken` makes where a line is no object.
 */
export function* readOwnLines(text: Uint8Array, broken: () => Failure): Generator<readonly Row[]> {
  const bytes = asBuffer(text);
  for (let from = 0; from < bytes.length; ) {
    const end = endOfBlock(bytes, from);
    const lines = decodeUtf8(bytes.subarray(from, end))?.split('\n');
    if (!lines) throw broken();
    yield lines.map((line) => parseObject(line) ?? raise(broken()));
    from = end + 1;
  }
}

/** Where the last line ends that lies whole in a block; the first line's end where none does. */
function endOfBlock(bytes: Buffer, from: number): number {
  if (bytes.length - from > blockBytes) {
    const last = bytes.lastIndexOf(lineFeed, from + blockBytes);
    if (last >= from) return last;
  }
  const next = bytes.length - from > blockBytes ? bytes.indexOf(lineFeed, from) : bytes.length - 1;
  return next === -1 || bytes[next] !== lineFeed ? bytes.length : next;
}

function parseObject(line: string): Row | undefined {
  try {
    const value: Cell = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (takePrototypes(value) as Row)
      : undefined;
  } catch {
    // Its message would quote the line.
    return undefined;
  }
}

function takePrototypes(value: object): object {
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) {
    const member = members[name];
    if (typeof member === 'object' && member !== null) takePrototypes(member);
  }
  return Array.isArray(value) ? value : Object.setPrototypeOf(value, null);
}

function raise(failure: Failure): never {
  throw failure;
}
