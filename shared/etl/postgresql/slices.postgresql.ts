import { Failure } from '../../runtime/errors.ts';
import { mostChunks, type SourceSlice } from '../run/manifest.ts';
import type { PostgresConnection } from './connection.postgresql.ts';
import { instantSql, type SourceTable, watermarkTextSql } from './source-table.postgresql.ts';

/** A table without a watermark is read as a whole. */
const wholeTable: SourceSlice = { kind: 'range', from: 'start' };

export interface SliceWindow {
  /** RFC 3339, both; from is inclusive, to is not. */
  readonly from: string;
  readonly to: string;
  readonly rowsPerSlice: number;
}

const purpose = { during: 'planning slices' };

/**
 * Cuts the rows of a window into ranges of the watermark of about `rowsPerSlice` rows each; rows of one instant
 * stay together.
 * @throws Failure `watermark-missing` where rows have none: they would never be read, and nobody would know
 */
export async function planSlices(
  connection: PostgresConnection,
  table: SourceTable,
  window: SliceWindow,
): Promise<readonly SourceSlice[]> {
  const { watermark, sql } = table;
  if (!watermark) {
    const [any] = await connection.query(`SELECT 1 FROM ${sql} LIMIT 1`, [], purpose);
    return any ? [wholeTable] : [];
  }
  const { quoted } = watermark;
  if (!watermark.isRequired) {
    const text = `SELECT 1 FROM ${sql} WHERE ${quoted} IS NULL LIMIT 1`;
    if ((await connection.query(text, [], purpose)).length > 0) throw watermarkMissing(sql, quoted);
  }
  // One more than can be listed, so that the manifest refuses what is too much.
  const cuts = await connection.query(
    `SELECT DISTINCT ${watermarkTextSql(watermark)} AS cut FROM (
      SELECT ${quoted}, row_number() OVER (ORDER BY ${quoted}) AS n FROM ${sql}
      WHERE ${quoted} >= ${instantSql(watermark, '$1')} AND ${quoted} < ${instantSql(watermark, '$2')}) ranked
      WHERE n % $3 = 1 % $3 ORDER BY cut LIMIT ${mostChunks + 1}`,
    [window.from, window.to, window.rowsPerSlice],
    purpose,
  );
  return cuts.map(([cut], index) => ({
    kind: 'range',
    // The first begins with the window, the others where they were cut.
    from: index === 0 ? window.from : (cut ?? ''),
    to: cuts[index + 1]?.[0] ?? window.to,
  }));
}

const watermarkMissing = (table: string, column: string) =>
  new Failure({
    code: 'watermark-missing',
    disposition: 'give-up',
    message: `rows of ${table} have no ${column} and would never be read; fill it in and make the column NOT NULL`,
  });
