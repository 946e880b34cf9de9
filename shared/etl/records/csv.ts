import { parse } from 'csv-parse/sync';
import { Failure } from '../../runtime/errors.ts';
import { type CsvFrame, CsvFraming } from './csv-frame.ts';
import { type CsvColumns, headerInvalid, readHeader, rowOfFields } from './csv-header.ts';
import type { CsvSyntax } from './csv-quoting.ts';
import type { RecordLimits } from './limits.ts';
import { splitLines } from './lines.ts';
import { type RecordReading, RowFault, readable, unreadable } from './reading.ts';

export interface CsvReaderOptions extends CsvSyntax {
  readonly chunkId: string;
  readonly limits: RecordLimits;
  readonly emptyCell: '' | null;
}

/**
 * CSV by RFC 4180 with a header line; LF and CRLF, the last line end optional, blank lines passed over. The
 * ordinal is the number of the record's first line, the header being line 1. A malformed record is quarantined
 * alone; `csv-header-missing`, `csv-header-invalid` and `csv-quote-unclosed` end the stream.
 */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvReaderOptions,
): AsyncGenerator<RecordReading[]> {
  const framing = new CsvFraming(options, options.limits);
  const watchedByte = options.quote === '' ? undefined : options.quote.charCodeAt(0);
  let columns: CsvColumns | undefined;
  for await (const block of splitLines(bytes, { rowBytes: options.limits.rowBytes, watchedByte })) {
    const frames = framing.push(block);
    const fields = splitFields(frames, options);
    if (!columns && frames.length > 0) columns = columnsOf(frames.shift(), fields.shift(), options);
    if (columns) yield readFrames(frames, fields, { ...options, columns });
  }
  framing.end();
  if (columns) return;
  throw new Failure({
    code: 'csv-header-missing',
    disposition: 'give-up',
    message: 'the CSV source is empty; it needs a header line even where it has no rows',
  });
}

function columnsOf(
  frame: CsvFrame | undefined,
  fields: readonly string[] | undefined,
  { limits, emptyCell }: CsvReaderOptions,
): CsvColumns {
  if (frame?.fault) throw headerInvalid(`is unreadable (${frame.fault.code})`);
  return { names: readHeader(fields ?? [], limits), emptyCell };
}

function readFrames(
  frames: readonly CsvFrame[],
  fields: readonly (readonly string[])[],
  { chunkId, limits, columns }: CsvReaderOptions & { readonly columns: CsvColumns },
): RecordReading[] {
  return frames.map(({ line, fault }, index) => {
    const position = { chunkId, ordinal: line };
    if (fault) return unreadable(position, fault);
    try {
      return readable(position, rowOfFields(fields[index] ?? [], columns, limits));
    } catch (error) {
      if (error instanceof RowFault) return unreadable(position, error);
      throw error;
    }
  });
}

/** The fields of each frame, none for a faulty one. Quoted records go through the CSV parser together. */
function splitFields(frames: readonly CsvFrame[], options: CsvReaderOptions): string[][] {
  const quoted = frames.filter(({ isQuoted, fault }) => isQuoted && !fault);
  const parsed = quoted.length === 0 ? [] : parseQuoted(quoted, options);
  let next = 0;
  return frames.map(({ text, isQuoted, fault }) => {
    if (fault) return [];
    if (!isQuoted) return text.split(options.delimiter);
    next += 1;
    return parsed[next - 1] ?? [];
  });
}

function parseQuoted(frames: readonly CsvFrame[], options: CsvReaderOptions): string[][] {
  const records = parse(frames.map(({ text }) => text).join('\n'), {
    bom: false,
    delimiter: options.delimiter,
    escape: options.quote,
    quote: options.quote,
    max_record_size: options.limits.rowBytes,
    record_delimiter: '\n',
    relax_column_count: true,
  });
  if (records.length === frames.length) return records;
  throw new Failure({
    code: 'csv-framing-mismatch',
    disposition: 'bug',
    message: `the framing found ${frames.length} quoted CSV records, the parser ${records.length}`,
  });
}
