import type { JsonFrame } from './json-frame.ts';
import { DocumentScan } from './json-scan.ts';
import { rowTooLong } from './lines.ts';
import { type JsonReaderOptions, readRow } from './ndjson.ts';
import { type RecordReading, RowFault, unreadable } from './reading.ts';
import { asBuffer, decodeUtf8, findBrokenByte } from './utf8.ts';

export interface JsonDocumentOptions extends JsonReaderOptions {
  /** Keys from the root to the array of rows; empty where the document is the array. */
  readonly path: readonly string[];
}

/**
 * One JSON document whose rows are the elements of an array, streamed: memory holds one element, however long the
 * array is. The ordinal is the element's number from 1. A row whose brackets balance is quarantined alone, however
 * broken it is; `json-document-broken` and `json-path-missing` end the stream.
 */
export async function* readJsonDocument(
  bytes: AsyncIterable<Uint8Array>,
  options: JsonDocumentOptions,
): AsyncGenerator<RecordReading[]> {
  const scan = new DocumentScan(options.path, options.limits);
  let ordinal = 0;
  for await (const chunk of bytes) {
    const readings: RecordReading[] = [];
    for (const frame of scan.push(asBuffer(chunk))) {
      ordinal += 1;
      readings.push(readElement(frame, ordinal, options));
    }
    yield readings;
  }
  scan.end();
}

function readElement(frame: JsonFrame, ordinal: number, options: JsonDocumentOptions): RecordReading {
  const position = { chunkId: options.chunkId, ordinal };
  if (frame === 'too-long') return unreadable(position, rowTooLong(options.limits));
  const text = decodeUtf8(frame);
  if (text !== undefined) return readRow(text, position, options.parseRow);
  const message = `no UTF-8 at byte ${findBrokenByte(frame)} of the element; export the source as UTF-8`;
  return unreadable(position, new RowFault('utf8-broken', message));
}
