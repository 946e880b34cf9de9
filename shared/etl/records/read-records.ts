import { Failure } from '../../runtime/errors.ts';
import type { Compression } from './compression.ts';
import { readCsv } from './csv.ts';
import { decompress } from './decompress.ts';
import { readJsonDocument } from './json-document.ts';
import { jsonRowParser } from './json-row.ts';
import { type RecordLimits, recordLimits } from './limits.ts';
import { readNdjson } from './ndjson.ts';
import type { RecordReading } from './reading.ts';
import { readTextBytes, sliceBytesUpTo } from './text-bytes.ts';

export type RecordFormat =
  | { readonly type: 'ndjson' }
  /** `path` is a JSON pointer (RFC 6901) of object keys to the array of rows; absent where the document is it. */
  | { readonly type: 'json'; readonly path?: string | undefined }
  | {
      readonly type: 'csv';
      /** One ASCII character, by default a comma. */
      readonly delimiter?: string | undefined;
      /** One ASCII character, by default the double quote; empty where nothing is quoted. */
      readonly quote?: string | undefined;
      /** What a field without characters becomes, quoted or not; by default the empty text. */
      readonly emptyAs?: 'text' | 'null' | undefined;
    };

export interface RecordStream {
  readonly chunkId: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly format: RecordFormat;
  /** What `chooseCompression` made of the source's claims; by default none. */
  readonly compression?: Compression | undefined;
  readonly limits?: Partial<RecordLimits> | undefined;
  /** Most readings in one batch, by default 1,000; fewer where rows are large. */
  readonly batchRows?: number | undefined;
}

/** A thousand rows of the largest kind would be a gibibyte, and a worker has half of that. */
const mostBatchBytes = 4 * 1024 * 1024;

/**
 * Reads the rows of one chunk of a source, in order, in batches that are never empty. Each row yields one reading;
 * one that cannot be read is an `unreadable` with a value-free reason, and its neighbours go on. Memory holds one
 * batch, which is of 4 MiB of text and one row at most, one slice of 64 KiB and one row. Leaving the iteration early closes the source.
 *
 * Throws a Failure (give-up) where the stream as a whole cannot be read: `total-bytes-exceeded`,
 * `expansion-ratio-exceeded`, `archive-broken`, `archive-trailing-data`, `compression-unsupported`,
 * `text-encoding-unsupported`, `json-document-broken`, `json-path-missing`, `csv-header-missing`,
 * `csv-header-invalid`, `csv-quote-unclosed`, and `record-limit-invalid` or `record-format-invalid` for its own
 * options. Batches before the failure were handed out: whoever counts them must discard them with the chunk.
 * Failures of the source pass through.
 */
export async function* readRecords(stream: RecordStream): AsyncGenerator<readonly RecordReading[]> {
  const limits = recordLimits(stream.limits);
  const batchRows = stream.batchRows ?? 1000;
  if (!Number.isSafeInteger(batchRows) || batchRows < 1)
    throw formatInvalid('batchRows is a whole number from 1');
  let batch: RecordReading[] = [];
  let readBytes = 0;
  const onSlice = (bytes: number) => {
    readBytes += bytes;
  };
  for await (const readings of readFormat(stream, limits, onSlice)) {
    for (const reading of readings) {
      batch.push(reading);
      if (batch.length < batchRows) continue;
      yield batch;
      batch = [];
    }
    if (readBytes < mostBatchBytes) continue;
    readBytes = 0;
    if (batch.length > 0) yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function readFormat(
  stream: RecordStream,
  limits: RecordLimits,
  onSlice: (bytes: number) => void,
): AsyncGenerator<RecordReading[]> {
  const { chunkId, format, compression = 'none' } = stream;
  const plain = compression === 'none' ? stream.bytes : decompress(stream.bytes, compression, limits);
  const bytes = counted(readTextBytes(sliceBytesUpTo(plain, limits)), onSlice);
  if (format.type === 'csv') {
    const { delimiter = ',', quote = '"', emptyAs = 'text' } = format;
    checkSyntax(delimiter, quote);
    return readCsv(bytes, { chunkId, limits, delimiter, quote, emptyCell: emptyAs === 'null' ? null : '' });
  }
  const parseRow = jsonRowParser(limits);
  if (format.type === 'ndjson') return readNdjson(bytes, { chunkId, limits, parseRow });
  return readJsonDocument(bytes, { chunkId, limits, parseRow, path: keysOfPointer(format.path ?? '') });
}

async function* counted<Slice extends Uint8Array>(
  slices: AsyncIterable<Slice>,
  onSlice: (bytes: number) => void,
): AsyncGenerator<Slice> {
  for await (const slice of slices) {
    onSlice(slice.length);
    yield slice;
  }
}

const oneCharacter = /^[\t\x20-\x7e]$/;

function checkSyntax(delimiter: string, quote: string): void {
  if (!oneCharacter.test(delimiter)) throw formatInvalid('the CSV delimiter is one ASCII character');
  if (quote !== '' && !oneCharacter.test(quote))
    throw formatInvalid('the CSV quote is one ASCII character or none');
  if (quote === delimiter) throw formatInvalid('the CSV quote and delimiter differ');
}

function keysOfPointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!/^(\/([^~/]|~[01])*)+$/.test(pointer))
    throw formatInvalid('the path to the rows is a JSON pointer such as /data/items');
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function formatInvalid(rule: string): Failure {
  return new Failure({
    code: 'record-format-invalid',
    disposition: 'give-up',
    message: `${rule}; correct the source`,
  });
}
