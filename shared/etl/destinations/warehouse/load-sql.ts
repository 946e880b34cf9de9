import type { LoadRequest } from '../destination.ts';
import { rowsOf } from '../load-precedence.ts';
import type { ChunkTables, Dialect } from './dialect.ts';
import { isNotLoaded, writeLedgerRow } from './ledger-sql.ts';
import { dropUnchanged, selectChanges } from './merge-sql.ts';

/**
 * What a chunk's transaction consists of once its rows are in `tables.staged`: the rows are counted, nobody newer
 * may have written the chunk, the rows are compared with the target's, counted into the ledger, and brought in.
 */
export function mergeStatements(
  dialect: Dialect,
  tables: ChunkTables,
  request: LoadRequest,
): readonly string[] {
  const { chunk, shape } = request;
  const rows = rowsOf(request.parts);
  return [
    dialect.insist(`(SELECT COUNT(*) FROM ${tables.staged}) = ${rows}`, 'etl-staged-count-differs'),
    dialect.insist(isNotLoaded(tables, chunk, rows), 'etl-ledger-moved'),
    ...dialect.createChanges(tables, shape, selectChanges(dialect, tables, shape)),
    ...writeLedgerRow(dialect, tables, { chunk, rows }),
    dropUnchanged(tables),
    ...dialect.apply(tables, shape),
  ];
}
