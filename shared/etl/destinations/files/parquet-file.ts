import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Row } from '../../record.ts';
import type { StagedPart, TableShape } from '../destination.ts';
import { rowsDiffer } from '../load-precedence.ts';
import type { LoadWriter } from '../standing.ts';
import { type ParquetCell, parquetColumn } from './parquet-cells.ts';

/** Rows are held as columns for this many at a time. */
const rowsPerGroup = 10_000;

/**
 * A part as a Parquet file, Snappy-compressed, in row groups of 10,000. Columns that are hashed, masked or encrypted
 * carry no statistics: a footer's smallest and largest value would stand outside the protection of the cells.
 * @throws Failure `target-refused-rows`, `staged-rows-differ`
 */
export async function encodeParquet(
  part: StagedPart,
  shape: TableShape,
  { signal, writer: by }: { readonly signal: AbortSignal; readonly writer: LoadWriter },
): Promise<Uint8Array> {
  const columns = shape.columns.map((column) => ({ ...column, ...parquetColumn(column) }));
  const bytes = new ByteWriter();
  const root = { name: 'root', num_children: columns.length };
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [root, ...columns.map(({ element }) => element)],
    createdBy: 'certfleet',
    // Equal rows of another writer must not have equal bytes: their ETags are compared.
    kvMetadata: [{ key: 'certfleet.writer', value: `${by.runId} ${by.fence}` }],
  });
  const writeGroup = (rows: readonly Row[]) => {
    const columnData = columns.map(({ name, protection, convert }) => {
      const data: ParquetCell[] = rows.map((row) => convert(row[name] ?? null));
      return { name, data, statistics: protection === 'clear' };
    });
    writer.write({ columnData, rowGroupSize: rowsPerGroup });
  };

  let waiting: Row[] = [];
  let held = 0;
  for await (const batch of part.read()) {
    signal.throwIfAborted();
    for (const row of batch) {
      waiting.push(row);
      if (waiting.length < rowsPerGroup) continue;
      writeGroup(waiting);
      waiting = [];
    }
    held += batch.length;
  }
  if (held !== part.rows) throw rowsDiffer(held, part.rows);
  if (waiting.length > 0) writeGroup(waiting);
  writer.finish();
  return bytes.getBytes();
}
