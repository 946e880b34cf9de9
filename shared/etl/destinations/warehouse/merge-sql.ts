import type { TableColumn, TableShape } from '../destination.ts';
import {
  type ChunkTables,
  changeColumn,
  type Dialect,
  rowNumberColumn,
  type WarehouseTables,
} from './dialect.ts';

/** The target as it is made where there is none. */
export function createTarget(dialect: Dialect, { target }: WarehouseTables, shape: TableShape): string {
  return `CREATE TABLE IF NOT EXISTS ${target} (${columnDefinitions(dialect, shape).join(', ')})`;
}

export const columnDefinitions = (dialect: Dialect, shape: TableShape): readonly string[] =>
  shape.columns.map(
    ({ name, type, nullable }) =>
      `${dialect.identifier(name)} ${dialect.columnType(type)}${nullable ? '' : ' NOT NULL'}`,
  );

/** The columns of the staged rows: the target's and the row's number. */
export const stagedColumns = (dialect: Dialect, shape: TableShape): readonly string[] => [
  ...columnDefinitions(dialect, shape),
  `${rowNumberColumn} ${dialect.columnType('integer')} NOT NULL`,
];

/**
 * Every key of the chunk once, by its newest row (`newestBy`, then the later in the chunk), with what it means to
 * the target: `inserted`, `updated`, or `unchanged` where the target has the same or a newer row. Metadata columns
 * make no row another one; cells that are encrypted differ each time, so a table with such a column is always updated.
 */
export function selectChanges(dialect: Dialect, { staged, target }: ChunkTables, shape: TableShape): string {
  const names = shape.columns.map(({ name }) => dialect.identifier(name));
  const keys = shape.key.map((name) => dialect.identifier(name));
  const newest = shape.newestBy === undefined ? undefined : dialect.identifier(shape.newestBy);
  const order = [...(newest ? [`${newest} DESC NULLS LAST`] : []), `${rowNumberColumn} DESC`].join(', ');
  const place =
    `SELECT ${names.join(', ')}, ROW_NUMBER() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${order}) ` +
    `AS _etl_place FROM ${staged}`;
  const isNotOlder = newest && `(t.${newest} IS NULL OR s.${newest} IS NULL OR s.${newest} >= t.${newest})`;
  const isChange = [...(isNotOlder ? [isNotOlder] : []), differs(dialect, shape)].join(' AND ');
  return (
    `SELECT ${names.map((name) => `s.${name} AS ${name}`).join(', ')}, ` +
    `CASE WHEN t.${keys[0]} IS NULL THEN 'inserted' WHEN ${isChange} THEN 'updated' ELSE 'unchanged' END ` +
    `AS ${changeColumn} FROM (${place}) s LEFT JOIN ${target} t ON ` +
    `${keys.map((key) => `s.${key} = t.${key}`).join(' AND ')} WHERE s._etl_place = 1`
  );
}

function differs(dialect: Dialect, shape: TableShape): string {
  const compared = shape.columns.filter(({ name, metadata }) => !metadata && !shape.key.includes(name));
  if (compared.some(({ protection }) => protection === 'encrypted')) return '(1 = 1)';
  // Where one side is null `<>` is unknown, which OR lets the second half decide.
  const each = compared.map(({ name, type }: TableColumn) => {
    const column = dialect.identifier(name);
    const [staged, held] = [`s.${column}`, `t.${column}`];
    return (
      `${dialect.comparable(type, staged)} <> ${dialect.comparable(type, held)} OR ` +
      `(${staged} IS NULL AND ${held} IS NOT NULL) OR (${staged} IS NOT NULL AND ${held} IS NULL)`
    );
  });
  return each.length === 0 ? '(1 = 0)' : `(${each.join(' OR ')})`;
}

export const dropUnchanged = ({ changes }: ChunkTables): string =>
  `DELETE FROM ${changes} WHERE ${changeColumn} = 'unchanged'`;

/** MERGE as BigQuery and Snowflake have it. */
export function mergeChanges(dialect: Dialect, { target, changes }: ChunkTables, shape: TableShape): string {
  const names = shape.columns.map(({ name }) => dialect.identifier(name));
  const keys = shape.key.map((name) => dialect.identifier(name));
  const others = names.filter((name) => !keys.includes(name));
  const update = `WHEN MATCHED THEN UPDATE SET ${others.map((name) => `${name} = c.${name}`).join(', ')} `;
  return (
    `MERGE INTO ${target} t USING ${changes} c ON ${keys.map((key) => `t.${key} = c.${key}`).join(' AND ')} ` +
    `${others.length > 0 ? update : ''}WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) ` +
    `VALUES (${names.map((name) => `c.${name}`).join(', ')})`
  );
}

/** The same in two statements, for a warehouse whose MERGE takes less. */
export function replaceChanges(dialect: Dialect, { target, changes }: ChunkTables, shape: TableShape) {
  const names = shape.columns.map(({ name }) => dialect.identifier(name));
  const keys = shape.key.map((name) => dialect.identifier(name));
  return [
    `DELETE FROM ${target} USING ${changes} WHERE ${keys.map((key) => `${target}.${key} = ${changes}.${key}`).join(' AND ')}`,
    `INSERT INTO ${target} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${changes}`,
  ];
}
