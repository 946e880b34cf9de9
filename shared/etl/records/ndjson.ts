import type { JsonRowParser } from './json-row.ts';
import type { RecordLimits } from './limits.ts';
import { splitLines } from './lines.ts';
import { type RecordReading, RowFault, readable, unreadable } from './reading.ts';

export interface JsonReaderOptions {
  readonly chunkId: string;
  readonly limits: RecordLimits;
  readonly parseRow: JsonRowParser;
}

/**
 * NDJSON: one object a line, LF or CRLF, the last line end optional. Lines of JSON whitespace alone are passed
 * over and counted as nothing; the ordinal is the line number. Yields the readings of one slice at a time.
 */
export async function* readNdjson(
  bytes: AsyncIterable<Uint8Array>,
  { chunkId, limits, parseRow }: JsonReaderOptions,
): AsyncGenerator<RecordReading[]> {
  for await (const { firstLine, lines, faults } of splitLines(bytes, limits)) {
    const readings: RecordReading[] = [];
    for (let index = 0; index < lines.length; index += 1) {
      const line = lines[index] ?? '';
      const position = { chunkId, ordinal: firstLine + index };
      const fault = faults.size === 0 ? undefined : faults.get(index)?.fault;
      if (fault) readings.push(unreadable(position, fault));
      else if (!isBlank(line)) readings.push(readRow(line, position, parseRow));
    }
    yield readings;
  }
}

/** The reading of one row's text. */
export function readRow(
  text: string,
  position: { readonly chunkId: string; readonly ordinal: number },
  parseRow: JsonRowParser,
): RecordReading {
  try {
    return readable(position, parseRow(text));
  } catch (error) {
    if (error instanceof RowFault) return unreadable(position, error);
    throw error;
  }
}

const notWhitespace = /[^ \t\r]/;

function isBlank(line: string): boolean {
  return line === '' || (line.charCodeAt(0) <= 0x20 && !notWhitespace.test(line));
}
