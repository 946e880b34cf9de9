import { Failure } from '../../runtime/errors.ts';
import { defaultRecordLimits } from '../records/limits.ts';
import type { PostgresConnection } from './connection.postgresql.ts';
import { quoteName, quoteTable, type TableName } from './identifiers.ts';
import { isBounded, type SourceColumn, selectText } from './text-cells.ts';

/** A table or view as it is now. */
export interface SourceTable {
  /** Quoted, with its schema. */
  readonly sql: string;
  /** All that may be read, whether the contract knows them or not: drift must be seen. */
  readonly columns: readonly SourceColumn[];
  readonly watermark: Watermark | undefined;
}

export interface Watermark {
  readonly quoted: string;
  readonly type: 'timestamptz' | 'timestamp';
  readonly isRequired: boolean;
}

const purpose = { during: 'looking at the source table' };

/**
 * Looks a table up.
 * @throws Failure `source-table-missing`, `source-encoding-unknown`, `watermark-unusable`
 */
export async function findSourceTable(
  connection: PostgresConnection,
  table: TableName,
  wanted: { readonly columns: readonly string[]; readonly watermark: string | undefined },
): Promise<SourceTable> {
  const sql = quoteTable(table);
  const found = await connection.query(
    `SELECT a.attname, coalesce(b.typname, t.typname), coalesce(b.typcategory, t.typcategory), a.attnotnull
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
      WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
        AND (a.attname = ANY ($2) OR has_column_privilege(a.attrelid, a.attnum, 'SELECT')) ORDER BY a.attnum`,
    [sql, wanted.columns],
    purpose,
  );
  if (found.length === 0) {
    throw refusal('source-table-missing', sql, 'is not there, or has no column this user may read');
  }
  const [encoding] = await connection.query(`SELECT current_setting('server_encoding')`, [], purpose);
  if (encoding?.[0] === 'SQL_ASCII') {
    throw refusal(
      'source-encoding-unknown',
      sql,
      'is in a database without an encoding (SQL_ASCII), so its text may be any; move it to UTF8',
    );
  }
  const columns = found.map(([name, type, category]) => ({
    name: name ?? '',
    type: type ?? '',
    category: category ?? '',
  }));
  if (wanted.watermark === undefined) return { sql, columns, watermark: undefined };
  const [, type, , isRequired] = found.find(([name]) => name === wanted.watermark) ?? [];
  if (type !== 'timestamptz' && type !== 'timestamp') {
    const name = JSON.stringify(wanted.watermark);
    throw refusal('watermark-unusable', sql, `has no timestamp column ${name}; correct watermark.column`);
  }
  const quoted = quoteName(wanted.watermark);
  return { sql, columns, watermark: { quoted, type, isRequired: isRequired === 't' } };
}

/** A parameter, an instant in RFC 3339, as the watermark's column compares it. */
export const instantSql = ({ type }: Watermark, parameter: string): string =>
  type === 'timestamptz' ? `${parameter}::timestamptz` : `(${parameter}::timestamptz AT TIME ZONE 'UTC')`;

/** The watermark as RFC 3339 text in UTC, microseconds kept. */
export const watermarkTextSql = ({ quoted, type }: Watermark): string =>
  `to_char(${type === 'timestamptz' ? `${quoted} AT TIME ZONE 'UTC'` : quoted}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * The table's columns as text, behind them whether any was too long to be sent, and the watermark. A row that is
 * too long arrives without those cells, so that one of a gigabyte costs no memory here.
 */
export function selectSql({ sql, columns, watermark }: SourceTable): string {
  const limit = defaultRecordLimits.stringBytes;
  const tooLong: string[] = [];
  const cells = columns.map((column) => {
    const text = selectText(column, quoteName(column.name));
    if (isBounded(column)) return text;
    // A column of bytes tells its length without being read.
    const length =
      column.type === 'bytea' ? `octet_length(${quoteName(column.name)}) * 2` : `octet_length(${text})`;
    tooLong.push(`coalesce(${length} > ${limit}, false)`);
    return `CASE WHEN ${length} <= ${limit} THEN ${text} END`;
  });
  const isTooLong = tooLong.length === 0 ? 'false' : tooLong.join(' OR ');
  const at = watermark ? watermarkTextSql(watermark) : 'NULL';
  return `SELECT ${cells.join(', ')}, ${isTooLong}, ${at} FROM ${sql}`;
}

const refusal = (code: string, table: string, what: string) =>
  new Failure({ code, disposition: 'give-up', message: `the source table ${table} ${what}` });
