import { Failure } from '../../runtime/errors.ts';
import type { TableColumn, TableShape } from '../destinations/destination.ts';
import { quoteName, quoteNames, quoteTable, type TableName } from './identifiers.ts';
import { sqlTypeOf } from './target-shape.ts';

/** A session's own; gone with its transaction. */
export const stagingTable = 'pg_temp."_etl_staging"';

export const createTableSql = (table: TableName, shape: TableShape): string =>
  `CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (${definitions(shape)}, PRIMARY KEY (${quoteNames(shape.key)}))`;

export const createStagingSql = (shape: TableShape): string =>
  `CREATE TEMPORARY TABLE "_etl_staging" (${definitions(shape)}, ${ordinalOf(shape)} bigint) ON COMMIT DROP`;

export const copySql = (shape: TableShape): string =>
  `COPY ${stagingTable} (${quoteNames(names(shape))}, ${ordinalOf(shape)}) FROM STDIN`;

/**
 * One statement that merges what is staged into the table and answers the rows inserted and the rows updated.
 * Of rows with one key the newest by `newestBy` counts, else the last; an older one never takes the place of a
 * newer one in the table. A row whose columns are the same, metadata left out, stays as it is; encrypted columns
 * never are the same, so a table with one is always updated.
 */
export function mergeSql(table: TableName, shape: TableShape): string {
  const columns = quoteNames(names(shape));
  const key = quoteNames(shape.key);
  const newestFirst = newestOf(shape).map((name) => `${name} DESC NULLS LAST`);
  // In the order of the key, so that chunks that share rows lock them in one order.
  return `WITH newest AS (
  SELECT ${columns} FROM (
    SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY ${[...newestFirst, `${ordinalOf(shape)} DESC`].join(', ')}) AS ${rankOf(shape)}
    FROM ${stagingTable}) ranked
  WHERE ${rankOf(shape)} = 1 ORDER BY ${key}
), merged AS (
  INSERT INTO ${quoteTable(table)} AS target (${columns}) SELECT ${columns} FROM newest
  ON CONFLICT (${key}) ${conflictSql(shape)}
  RETURNING (target.xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM merged`;
}

function conflictSql(shape: TableShape): string {
  const values = shape.columns.filter(({ name }) => !shape.key.includes(name));
  const isEncrypted = shape.columns.some(({ protection }) => protection === 'encrypted');
  const compared = values.filter(({ metadata }) => !metadata);
  if (compared.length === 0) return 'DO NOTHING';
  const sides = (side: string) => compared.map(({ name }) => `${side}.${quoteName(name)}`).join(', ');
  const isAnother = `ROW(${sides('target')}) IS DISTINCT FROM ROW(${sides('EXCLUDED')})`;
  const isNotOlder = newestOf(shape).map(
    (name) => `(target.${name} IS NULL OR EXCLUDED.${name} >= target.${name})`,
  );
  const conditions = [...isNotOlder, ...(isEncrypted ? [] : [isAnother])];
  const set = values.map(({ name }) => `${quoteName(name)} = EXCLUDED.${quoteName(name)}`).join(', ');
  return `DO UPDATE SET ${set}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
}

/** The column that rows are newer by, quoted: none or one. */
function newestOf({ columns, newestBy }: TableShape): string[] {
  if (newestBy === undefined) return [];
  const column = columns.find(({ name }) => name === newestBy);
  if (column?.type === 'timestamp' && column.protection === 'clear') return [quoteName(newestBy)];
  throw new Failure({
    code: 'shape-inconsistent',
    disposition: 'bug',
    message: `rows are to be newer by ${JSON.stringify(newestBy)}, which is no timestamp of the table`,
  });
}

const names = ({ columns }: TableShape) => columns.map(({ name }) => name);

const definitions = ({ columns }: TableShape) =>
  columns.map((column: TableColumn) => `${quoteName(column.name)} ${sqlTypeOf(column)}`).join(', ');

/** Names that none of the columns has. */
const ordinalOf = (shape: TableShape) => freeName('_etl_ordinal', shape);
const rankOf = (shape: TableShape) => freeName('_etl_rank', shape);

function freeName(wanted: string, shape: TableShape): string {
  let name = wanted;
  while (names(shape).includes(name)) name += '_';
  return quoteName(name);
}
