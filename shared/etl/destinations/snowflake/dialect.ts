import type { ColumnType } from '../../definition/column.ts';
import { changeColumn, type Dialect } from '../warehouse/dialect.ts';
import { doubleQuoted } from '../warehouse/literals.ts';
import { mergeChanges } from '../warehouse/merge-sql.ts';

const columnTypes: Readonly<Record<ColumnType, string>> = {
  string: 'VARCHAR',
  integer: 'NUMBER(38,0)',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP_TZ',
  date: 'DATE',
  // Contracts give no scale, and NUMBER would round to the one it is given.
  decimal: 'VARCHAR',
  json: 'VARIANT',
};

/** Snowflake: docs.snowflake.com/en/sql-reference. Quoted names keep their case. */
export const snowflakeDialect: Dialect = {
  identifier: doubleQuoted,
  columnType: (type) => columnTypes[type],
  comparable: (type, expression) => (type === 'json' ? `TO_JSON(${expression})` : expression),
  // A text that is no number cannot be cast to one, and the error quotes it.
  insist: (condition, marker) =>
    `SELECT CAST(CASE WHEN ${condition} THEN '0' ELSE '${marker}' END AS INTEGER)`,
  // The table is made before the transaction: DDL ends one.
  createChanges: ({ changes }, shape, query) => [
    `INSERT INTO ${changes} (${[...shape.columns.map(({ name }) => doubleQuoted(name)), changeColumn].join(', ')}) ${query}`,
  ],
  apply: (tables, shape) => [mergeChanges(snowflakeDialect, tables, shape)],
  now: 'CURRENT_TIMESTAMP()',
};
