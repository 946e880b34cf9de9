import { Failure } from '../../runtime/errors.ts';

/**
 * What reading may cost. A row that exceeds a row cap is quarantined under a code that names the cap; a stream
 * that exceeds a stream cap ends in a Failure, because nobody knows what the rest would hold.
 */
export interface RecordLimits {
  /** Row: bytes of one NDJSON line, JSON element or CSV record, without its line end. */
  readonly rowBytes: number;
  /** Row: levels of nesting; the row itself is level 1. */
  readonly depth: number;
  /** Row: keys of one object. Stream: columns of a CSV header, keys beside the path of a JSON document. */
  readonly columns: number;
  /** Row: values at all levels together, containers included. */
  readonly cells: number;
  /** Row: elements of one array inside a row. */
  readonly arrayLength: number;
  /** Row: UTF-8 bytes of one string, digits of one kept integer included. */
  readonly stringBytes: number;
  /** Stream: bytes after decompression. */
  readonly totalBytes: number;
  /** Stream: decompressed bytes for each compressed one, looked at once the first MiB has come out. */
  readonly expansionRatio: number;
}

const mebibyte = 1024 * 1024;

export const defaultRecordLimits: RecordLimits = {
  rowBytes: mebibyte,
  depth: 32,
  columns: 1000,
  cells: 10_000,
  arrayLength: 10_000,
  stringBytes: 256 * 1024,
  totalBytes: 10 * 1024 * mebibyte,
  expansionRatio: 100,
};

/** Output that no ratio is computed for: a short text may be one letter repeated without any ill will. */
export const ratioGraceBytes = mebibyte;

/** Beyond it the recursion of readers and of every stage after them would be at the mercy of the stack. */
const deepestDepth = 256;

/**
 * The defaults with `overrides` laid over them. Throws `record-limit-invalid` for anything but whole numbers from
 * 1, and for a depth beyond 256.
 */
export function recordLimits(overrides: Partial<RecordLimits> = {}): RecordLimits {
  const limits = { ...defaultRecordLimits, ...overrides };
  const wrong = Object.entries(limits)
    .filter(([name, value]) => !isLimit(value, name === 'depth' ? deepestDepth : Number.MAX_SAFE_INTEGER))
    .map(([name]) => name);
  if (wrong.length === 0) return limits;
  throw new Failure({
    code: 'record-limit-invalid',
    disposition: 'give-up',
    message: `record limits are whole numbers from 1, depth at most ${deepestDepth}: correct ${wrong.join(', ')}`,
  });
}

function isLimit(value: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= most;
}
