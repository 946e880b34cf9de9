import type { ColumnType } from '../../definition/column.ts';
import type { Dialect } from '../warehouse/dialect.ts';
import { doubleQuoted } from '../warehouse/literals.ts';
import { replaceChanges } from '../warehouse/merge-sql.ts';

const columnTypes: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR(65535)',
  integer: 'BIGINT',
  number: 'DOUBLE PRECISION',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
  // Contracts give no scale, and DECIMAL would round to the one it is given.
  decimal: 'VARCHAR(64)',
  json: 'SUPER',
};

/** Amazon Redshift: docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html */
export const redshiftDialect: Dialect = {
  identifier: doubleQuoted,
  columnType: (type) => columnTypes[type],
  comparable: (type, expression) => (type === 'json' ? `JSON_SERIALIZE(${expression})` : expression),
  // There is no ASSERT: a text that is no number cannot be cast to one, and the error quotes it.
  insist: (condition, marker) =>
    `SELECT CAST(CASE WHEN ${condition} THEN '0' ELSE '${marker}' END AS INTEGER)`,
  createChanges: ({ changes }, _shape, query) => [`CREATE TEMP TABLE ${changes} AS ${query}`],
  apply: (tables, shape) => replaceChanges(redshiftDialect, tables, shape),
  now: 'GETDATE()',
};
