import { Failure } from '../../runtime/errors.ts';
import type { Cell } from '../record.ts';
import { defaultRecordLimits } from '../records/limits.ts';
import { type RecordReading, RowFault, readable, unreadable } from '../records/reading.ts';
import type { SliceRequest, SourceBatch } from '../sources/source.ts';
import type { PostgresConnection, TextRow } from './connection.postgresql.ts';
import { instantSql, type SourceTable, selectSql } from './source-table.postgresql.ts';
import { readingOf, type SourceColumn } from './text-cells.ts';

/** Where a reading goes on: behind every row of the instant `after`, `ordinal` rows into the slice. */
interface Checkpoint {
  readonly after: string;
  readonly ordinal: number;
}

const mostRows = 1_000;
/** What one answer of the cursor should stay below. */
const fetchBytes = 4 * 1024 * 1024;

const purpose = { during: 'reading rows' };

/**
 * Reads a slice in the order of its watermark, inside a transaction that sees one state of the table. Between two
 * instants reading can go on later; rows of one instant are never split by a checkpoint.
 */
export async function* readSlice(
  connection: PostgresConnection,
  table: SourceTable,
  request: SliceRequest,
): AsyncGenerator<SourceBatch> {
  const { slice } = request;
  if (slice.kind !== 'range') throw wrongSlice(request.chunkId);
  const checkpoint = request.checkpoint === undefined ? undefined : parseCheckpoint(request.checkpoint);
  const { text, values } = sliceSql(table, { from: slice.from, to: slice.to, after: checkpoint?.after });
  const readRow = rowReader(table.columns, request.chunkId);
  const cursor = connection.openCursor(text, values, purpose);
  let ordinal = checkpoint?.ordinal ?? 0;
  let waiting: { readonly reading: RecordReading; readonly at: string | null }[] = [];
  let rows = 100;
  for (;;) {
    const fetched = await cursor.read(rows);
    let bytes = 0;
    for (const row of fetched) {
      ordinal += 1;
      waiting.push({ reading: readRow(row, ordinal), at: row.at(-1) ?? null });
      bytes += lengthOf(row);
    }
    const isEnd = fetched.length < rows;
    rows = Math.max(10, Math.min(mostRows, Math.floor((fetchBytes * fetched.length) / Math.max(1, bytes))));
    const boundary = isEnd ? waiting.length : lastBoundary(waiting);
    const isCut = boundary > 0 && table.watermark !== undefined;
    const handed = isCut || isEnd ? boundary : waiting.length < mostRows ? 0 : waiting.length;
    if (handed > 0) {
      const after = waiting[handed - 1]?.at;
      const readings = waiting.slice(0, handed).map(({ reading }) => reading);
      waiting = waiting.slice(handed);
      const passed = ordinal - waiting.length;
      yield {
        readings,
        checkpoint:
          isCut && after ? JSON.stringify({ after, ordinal: passed } satisfies Checkpoint) : undefined,
      };
    }
    if (isEnd) return;
  }
}

/** Rows before the last change of the instant; 0 where all are of one. */
function lastBoundary(waiting: readonly { readonly at: string | null }[]): number {
  const last = waiting.at(-1)?.at;
  return waiting.findLastIndex(({ at }) => at !== last) + 1;
}

function sliceSql(
  table: SourceTable,
  range: { from: string; to?: string | undefined; after?: string | undefined },
) {
  const { watermark } = table;
  const select = selectSql(table);
  if (!watermark) return { text: select, values: [] };
  const { quoted } = watermark;
  const values = [range.from, range.to, range.after].filter((value) => value !== undefined);
  const conditions = [
    `${quoted} >= ${instantSql(watermark, '$1')}`,
    ...(range.to === undefined ? [] : [`${quoted} < ${instantSql(watermark, '$2')}`]),
    ...(range.after === undefined ? [] : [`${quoted} > ${instantSql(watermark, `$${values.length}`)}`]),
  ];
  return { text: `${select} WHERE ${conditions.join(' AND ')} ORDER BY ${quoted}`, values };
}

/** The answer's columns are the table's, whether the row was too long, and the watermark. */
function rowReader(columns: readonly SourceColumn[], chunkId: string) {
  const cells = columns.map((column) => ({ name: column.name, read: readingOf(column) }));
  return (texts: TextRow, ordinal: number): RecordReading => {
    const position = { chunkId, ordinal };
    try {
      if (texts[cells.length] === 't') throw tooLong('string-bytes-exceeded', 'stringBytes');
      if (isTooLong(texts)) throw tooLong('row-bytes-exceeded', 'rowBytes');
      const row: Record<string, Cell> = Object.create(null);
      cells.forEach(({ name, read }, index) => {
        const text = texts[index] ?? null;
        row[name] = text === null ? null : read(text);
      });
      return readable(position, row);
    } catch (error) {
      if (error instanceof RowFault) return unreadable(position, error);
      throw error;
    }
  };
}

const lengthOf = (texts: TextRow): number => texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);

function isTooLong(texts: TextRow): boolean {
  const { rowBytes } = defaultRecordLimits;
  if (lengthOf(texts) * 3 <= rowBytes) return false;
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0) > rowBytes;
}

const tooLong = (code: 'string-bytes-exceeded' | 'row-bytes-exceeded', limit: 'stringBytes' | 'rowBytes') =>
  new RowFault(
    code,
    `more than the ${defaultRecordLimits[limit]} bytes of ${limit}; shorten it at the source`,
  );

function parseCheckpoint(text: string): Checkpoint {
  try {
    const { after, ordinal } = JSON.parse(text);
    if (typeof after === 'string' && Number.isSafeInteger(ordinal)) return { after, ordinal };
  } catch {
    // Answered below, without what was found.
  }
  throw new Failure({
    code: 'checkpoint-malformed',
    disposition: 'bug',
    message: 'the checkpoint is none that this source has given; start the chunk again',
  });
}

const wrongSlice = (chunkId: string) =>
  new Failure({
    code: 'slice-of-another-source',
    disposition: 'bug',
    message: `the chunk ${chunkId} is about an object, and this source has rows; plan the run again`,
  });
