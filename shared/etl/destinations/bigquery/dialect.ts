import { Failure } from '../../../runtime/errors.ts';
import type { ColumnType } from '../../definition/column.ts';
import type { Dialect } from '../warehouse/dialect.ts';
import { mergeChanges } from '../warehouse/merge-sql.ts';

const columnTypes: Readonly<Record<ColumnType, string>> = {
  string: 'STRING',
  integer: 'INT64',
  number: 'FLOAT64',
  boolean: 'BOOL',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  // 38 digits on either side of the point: whatever a contract lets through.
  decimal: 'BIGNUMERIC',
  json: 'JSON',
};

/** GoogleSQL: cloud.google.com/bigquery/docs/reference/standard-sql. */
export const bigqueryDialect: Dialect = {
  identifier: backQuoted,
  columnType: (type) => columnTypes[type],
  comparable: (type, expression) => (type === 'json' ? `TO_JSON_STRING(${expression})` : expression),
  insist: (condition, marker) => `ASSERT ${condition} AS '${marker}'`,
  createChanges: ({ changes }, _shape, query) => [`CREATE TEMP TABLE ${changes} AS ${query}`],
  apply: (tables, shape) => [mergeChanges(bigqueryDialect, tables, shape)],
  now: 'CURRENT_TIMESTAMP()',
};

/** Of BigQuery's column names, those that every tool takes: cloud.google.com/bigquery/docs/schemas#column_names. */
function backQuoted(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,299}$/.test(name)) return `\`${name}\``;
  throw new Failure({
    code: 'target-refuses-column',
    disposition: 'give-up',
    message: `BigQuery takes letters, digits and underscores in a column's name; rename ${JSON.stringify(name)}`,
  });
}
