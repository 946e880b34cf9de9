import { Failure } from '../../runtime/errors.ts';
import type { ColumnType } from '../definition/column.ts';
import type { TableColumn, TableShape } from '../destinations/destination.ts';
import { quoteName, quoteNames, quoteTable, type TableName } from './identifiers.ts';

/** The first is what a new table gets; the others hold the same values without changing one. */
const accepted: Readonly<Record<ColumnType, readonly [string, ...string[]]>> = {
  string: ['text', 'character varying'],
  integer: ['bigint', 'numeric'],
  number: ['double precision'],
  boolean: ['boolean'],
  timestamp: ['timestamp with time zone'],
  date: ['date'],
  decimal: ['numeric'],
  json: ['jsonb'],
};

export const sqlTypeOf = ({ type }: TableColumn): string => accepted[type][0];

/** A column of a table that is there. */
export interface ExistingColumn {
  readonly name: string;
  /** As `format_type` writes it, with its modifiers: a `numeric(10,2)` would round. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly hasDefault: boolean;
  readonly isGenerated: boolean;
}

export interface ExistingTable {
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly columns: readonly ExistingColumn[];
  /** The columns of each unique index that an upsert can go by. */
  readonly uniqueKeys: readonly (readonly string[])[];
}

/**
 * Compares a table with what a pipeline writes.
 * @throws Failure `target-shape-differs`, with every statement that would mend it
 */
export function checkShape(table: TableName, existing: ExistingTable, shape: TableShape): void {
  const name = quoteTable(table);
  // Of a partitioned one PostgreSQL does not tell which rows of an upsert were new.
  if (existing.kind === 'p') throw differs(name, 'it is partitioned', []);
  if (existing.kind !== 'r') throw differs(name, 'it is no table', []);
  const columns = new Map(existing.columns.map((column) => [column.name, column]));
  const changes = [
    ...shape.columns.flatMap((column) => changeOf(column, columns.get(column.name), shape)),
    ...changesOfOthers(existing.columns, shape),
    ...changesOfKey(existing.uniqueKeys, shape),
  ];
  if (changes.length === 0) return;
  const named = [...new Set(changes.map(({ column }) => JSON.stringify(column)))].join(', ');
  throw differs(
    name,
    `of ${named}`,
    changes.map(({ sql }) => sql),
  );
}

interface Change {
  readonly column: string;
  readonly sql: string;
}

function changeOf(column: TableColumn, found: ExistingColumn | undefined, shape: TableShape): Change[] {
  const name = quoteName(column.name);
  const type = sqlTypeOf(column);
  if (!found) return [{ column: column.name, sql: `ADD COLUMN ${name} ${type}` }];
  const changes: string[] = [];
  if (found.isGenerated) changes.push(`ALTER COLUMN ${name} DROP EXPRESSION`);
  if (!accepted[column.type].includes(found.type)) {
    changes.push(`ALTER COLUMN ${name} TYPE ${type} USING ${name}::${type}`);
  }
  if (found.isRequired && column.nullable && !shape.key.includes(column.name)) {
    changes.push(`ALTER COLUMN ${name} DROP NOT NULL`);
  }
  return changes.map((sql) => ({ column: column.name, sql }));
}

/** Columns of somebody else's may stay where they need no value from us. */
function changesOfOthers(existing: readonly ExistingColumn[], shape: TableShape): Change[] {
  const ours = new Set(shape.columns.map(({ name }) => name));
  return existing
    .filter(({ name, isRequired, hasDefault }) => !ours.has(name) && isRequired && !hasDefault)
    .map(({ name }) => ({ column: name, sql: `ALTER COLUMN ${quoteName(name)} DROP NOT NULL` }));
}

function changesOfKey(uniqueKeys: ExistingTable['uniqueKeys'], { key }: TableShape): Change[] {
  const wanted = [...key].sort().join('\0');
  if (uniqueKeys.some((columns) => [...columns].sort().join('\0') === wanted)) return [];
  return [{ column: key.join(', '), sql: `ADD UNIQUE (${quoteNames(key)})` }];
}

function differs(name: string, what: string, changes: readonly string[]): Failure {
  const remedy = changes.length === 0 ? 'name another' : `run ALTER TABLE ${name} ${changes.join(', ')}`;
  return new Failure({
    code: 'target-shape-differs',
    disposition: 'give-up',
    message: `the table ${name} cannot take the rows because ${changes.length === 0 ? what : `the shape ${what} differs`}; ${remedy}`,
  });
}
