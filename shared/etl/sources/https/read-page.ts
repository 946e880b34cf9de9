import { createHash, type Hash } from 'node:crypto';
import { Failure } from '../../../runtime/errors.ts';
import { chooseCompression } from '../../records/compression.ts';
import { decompress } from '../../records/decompress.ts';
import type { RecordLimits } from '../../records/limits.ts';
import { type RecordFormat, readRecords } from '../../records/read-records.ts';
import type { RecordReading } from '../../records/reading.ts';
import { asBuffer } from '../../records/utf8.ts';
import { isInPeriod, type ReadingPeriod } from '../in-window.ts';
import { tooLarge } from './body.https.ts';
import type { HttpsAnswer } from './client.https.ts';
import { CursorScan } from './cursor-scan.ts';
import type { PageFacts } from './pagination.ts';

export interface PageRequest {
  readonly chunkId: string;
  readonly url: URL;
  readonly format: RecordFormat;
  /** Where in a JSON page the cursor to the next one stands. */
  readonly cursorPointer?: string | undefined;
  /** Records outside of it are left out. */
  readonly period?: ReadingPeriod | undefined;
  /** Of the last record before this page. */
  readonly ordinal: number;
  readonly limits: RecordLimits;
  /** Of one page's text. */
  readonly pageBytes: number;
}

/**
 * Streams the rows of one page in batches that are never empty, and returns what the page told. Memory holds one
 * batch, however long the page is: its cursor is picked up while the rows pass by.
 * @throws Failure those of `readRecords`, and `source-answer-too-large`, `source-answer-unframed` (give-up)
 */
export async function* readPage(
  answer: HttpsAnswer,
  page: PageRequest,
): AsyncGenerator<readonly RecordReading[], PageFacts> {
  const { url, ordinal, period } = page;
  const passing: Passing = {
    hash: createHash('sha256'),
    scan: page.cursorPointer === undefined ? undefined : new CursorScan(page.cursorPointer),
    bytes: 0,
  };
  let rows = 0;
  let lastOrdinal = 0;
  for await (const batch of rowsOf(answer, page, passing)) {
    rows += batch.length;
    lastOrdinal = ordinalOf(batch.at(-1)) ?? lastOrdinal;
    const kept = period ? batch.filter((reading) => isInPeriod(reading, period)) : batch;
    if (kept.length > 0) yield ordinal === 0 ? kept : kept.map((reading) => moveOn(reading, ordinal));
  }
  const { hash, scan, bytes: textBytes } = passing;
  const link = answer.headers.link;
  return { url, rows, lastOrdinal, digest: hash.digest('hex'), cursor: scan?.cursor(), link, textBytes };
}

async function* rowsOf(
  answer: HttpsAnswer,
  page: PageRequest,
  passing: Passing,
): AsyncGenerator<readonly RecordReading[]> {
  if (answer.status === 204) {
    answer.discard();
    return;
  }
  const { chunkId, format, limits } = page;
  const bytes = watch(textOf(answer, page), passing, page.pageBytes);
  try {
    yield* readRecords({ chunkId, bytes, format, limits });
  } catch (error) {
    // Behind pages with rows, some APIs answer nothing at all where a header line would be due.
    const isEmptyPage = error instanceof Failure && error.code === 'csv-header-missing' && page.ordinal > 0;
    if (!isEmptyPage || passing.bytes > 0) throw error;
  }
}

function textOf(answer: HttpsAnswer, { url, format, limits }: PageRequest): AsyncIterable<Uint8Array> {
  const contentEncoding = answer.headers['content-encoding'];
  const compression = chooseCompression({ contentEncoding, name: url.pathname });
  if (compression !== 'none') return decompress(answer.body, compression, limits);
  // Lines that were cut off look like all lines; JSON and compressed data know their own end.
  if (answer.isUnframed && format.type !== 'json') {
    answer.discard();
    throw new Failure({
      code: 'source-answer-unframed',
      disposition: 'give-up',
      message: `${url.origin}${url.pathname} answers without length or chunks, so that missing rows would go unseen; let it send Content-Length, chunks or gzip`,
    });
  }
  return answer.body;
}

interface Passing {
  readonly hash: Hash;
  readonly scan: CursorScan | undefined;
  bytes: number;
}

async function* watch(
  text: AsyncIterable<Uint8Array>,
  passing: Passing,
  pageBytes: number,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of text) {
    passing.bytes += chunk.length;
    if (passing.bytes > pageBytes) throw tooLarge(pageBytes);
    passing.hash.update(chunk);
    passing.scan?.push(asBuffer(chunk));
    yield chunk;
  }
}

const positionOf = (reading: RecordReading) =>
  reading.kind === 'record' ? reading.record.position : reading.quarantined.position;

const ordinalOf = (reading: RecordReading | undefined) => reading && positionOf(reading).ordinal;

/** Readers count within a page; a slice counts over all of them. */
function moveOn(reading: RecordReading, by: number): RecordReading {
  const { chunkId, ordinal } = positionOf(reading);
  const position = { chunkId, ordinal: ordinal + by };
  return reading.kind === 'record'
    ? { kind: 'record', record: { ...reading.record, position } }
    : { kind: 'unreadable', quarantined: { ...reading.quarantined, position } };
}
