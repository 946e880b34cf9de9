import { describe, expect, it } from 'vitest';
import type { TableColumn, TableShape } from '../../../../shared/etl/destinations/destination.ts';
import { quoteName } from '../../../../shared/etl/postgresql/identifiers.ts';
import { createStagingSql, mergeSql } from '../../../../shared/etl/postgresql/merge-sql.ts';
import {
  checkShape,
  type ExistingColumn,
  type ExistingTable,
} from '../../../../shared/etl/postgresql/target-shape.ts';

const aColumn = (name: string, given: Partial<TableColumn> = {}): TableColumn => ({
  name,
  type: 'string',
  nullable: false,
  protection: 'clear',
  metadata: false,
  ...given,
});
const aShape = (given: Partial<TableShape> = {}): TableShape => ({
  columns: [
    aColumn('id'),
    aColumn('amount', { type: 'decimal' }),
    aColumn('at', { type: 'timestamp' }),
    aColumn('_run_id', { metadata: true }),
  ],
  key: ['id'],
  ...given,
});
const existingColumn = (name: string, type: string, given: Partial<ExistingColumn> = {}): ExistingColumn => ({
  name,
  type,
  isRequired: false,
  hasDefault: false,
  isGenerated: false,
  ...given,
});
const fitting = [
  existingColumn('id', 'text', { isRequired: true }),
  existingColumn('amount', 'numeric'),
  existingColumn('at', 'timestamp with time zone'),
  existingColumn('_run_id', 'character varying'),
];
const table = { schema: 'public', table: 'orders' };
const check = (existing: Partial<ExistingTable>, shape = aShape()) =>
  checkShape(table, { kind: 'r', columns: fitting, uniqueKeys: [['id']], ...existing }, shape);
const without = (name: string, ...others: readonly ExistingColumn[]) => ({
  columns: [...fitting.filter((column) => column.name !== name), ...others],
});

describe('a name', () => {
  it('is quoted, whatever it holds', () => {
    expect(quoteName('a"; DROP TABLE x; --')).toBe('"a""; DROP TABLE x; --"');
  });

  it('is refused where PostgreSQL would cut it', () => {
    expect(quoteName('ü'.repeat(31))).toBe(`"${'ü'.repeat(31)}"`);
    expect(() => quoteName('ü'.repeat(32))).toThrowError(expect.objectContaining({ code: 'name-too-long' }));
  });
});

describe('a table that is there', () => {
  it('is taken where it holds every column and its key', () => {
    expect(() => check({})).not.toThrow();
    const others = [
      existingColumn('mine', 'text'),
      existingColumn('n', 'integer', { isRequired: true, hasDefault: true }),
    ];
    expect(() => check({ columns: [...fitting, ...others] })).not.toThrow();
  });

  it.each<[string, Partial<ExistingTable>, string]>([
    ['lacks a column', without('amount'), 'ADD COLUMN "amount" numeric'],
    [
      'rounds',
      without('amount', existingColumn('amount', 'numeric(10,2)')),
      'ALTER COLUMN "amount" TYPE numeric USING "amount"::numeric',
    ],
    [
      'forgets the zone',
      without('at', existingColumn('at', 'timestamp without time zone')),
      'ALTER COLUMN "at" TYPE timestamp with time zone',
    ],
    [
      'computes a column',
      without('amount', existingColumn('amount', 'numeric', { isGenerated: true })),
      'ALTER COLUMN "amount" DROP EXPRESSION',
    ],
    [
      'asks for a column nobody writes',
      { columns: [...fitting, existingColumn('theirs', 'text', { isRequired: true })] },
      'ALTER COLUMN "theirs" DROP NOT NULL',
    ],
    ['has no key', { uniqueKeys: [['amount'], ['id', 'at']] }, 'ADD UNIQUE ("id")'],
  ])('is refused where it %s, with the remedy', (_, existing, remedy) => {
    expect(() => check(existing)).toThrowError(
      expect.objectContaining({ code: 'target-shape-differs', disposition: 'give-up' }),
    );
    expect(() => check(existing)).toThrowError(`ALTER TABLE "public"."orders" ${remedy}`);
  });

  it('is refused where it is a view, or partitioned, where nobody can tell the new rows', () => {
    expect(() => check({ kind: 'v' })).toThrowError('it is no table');
    expect(() => check({ kind: 'p' })).toThrowError('it is partitioned');
  });

  it('must take null where rows may have it', () => {
    const columns = [aColumn('id'), aColumn('amount', { type: 'decimal', nullable: true })];
    const existing = [
      existingColumn('id', 'text'),
      existingColumn('amount', 'numeric', { isRequired: true }),
    ];
    expect(() => check({ columns: existing }, { columns, key: ['id'] })).toThrowError(
      'ALTER COLUMN "amount" DROP NOT NULL',
    );
  });
});

describe('the merge', () => {
  it('compares every column but the key and the metadata, which it writes all the same', () => {
    const sql = mergeSql(table, aShape());
    expect(sql).toContain(
      'ROW(target."amount", target."at") IS DISTINCT FROM ROW(EXCLUDED."amount", EXCLUDED."at")',
    );
    expect(sql).toContain('"_run_id" = EXCLUDED."_run_id"');
  });

  it('never compares where a column is sealed, since no two ciphertexts are the same', () => {
    const columns = [aColumn('id'), aColumn('email', { protection: 'encrypted' })];
    expect(mergeSql(table, aShape({ columns }))).not.toContain('IS DISTINCT FROM');
  });

  it('goes by the newest where a timestamp says so, and refuses to go by anything else', () => {
    expect(mergeSql(table, aShape({ newestBy: 'at' }))).toContain('EXCLUDED."at" >= target."at"');
    expect(() => mergeSql(table, aShape({ newestBy: 'amount' }))).toThrowError(
      expect.objectContaining({ code: 'shape-inconsistent' }),
    );
  });

  it('leaves a row alone that is nothing but its key', () => {
    expect(mergeSql(table, aShape({ columns: [aColumn('id')] }))).toContain('DO NOTHING');
  });

  it('finds names of its own beside columns of the same name', () => {
    const columns = [aColumn('id'), aColumn('_etl_ordinal'), aColumn('_etl_rank')];
    expect(createStagingSql(aShape({ columns }))).toContain('"_etl_ordinal_" bigint');
    expect(mergeSql(table, aShape({ columns }))).toContain('"_etl_rank_" = 1');
  });
});
