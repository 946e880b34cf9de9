import type { TableShape } from '../destinations/destination.ts';
import type { PostgresConnection } from './connection.postgresql.ts';
import { quoteName, quoteTable, type TableName } from './identifiers.ts';
import { createTableSql } from './merge-sql.ts';
import { checkShape, type ExistingTable } from './target-shape.ts';

/** Where the target itself keeps what was loaded into it, and which aggregations ran; beside the table. */
export const loadsTable = (schema: string): string => quoteTable({ schema, table: '_etl_loads' });
export const stepsTable = (schema: string): string => quoteTable({ schema, table: '_etl_steps' });

/**
 * Makes the schema, the table and the tables of the loads where they are missing, and checks the table where it is
 * there.
 * @throws Failure `target-shape-differs`
 */
export async function prepareTarget(
  connection: PostgresConnection,
  table: TableName,
  shape: TableShape,
): Promise<void> {
  let existing = await readTable(connection, table);
  if (!existing || !(await hasLedger(connection, table.schema))) {
    await createMissing(connection, table, shape);
    existing = await readTable(connection, table);
  }
  if (existing) checkShape(table, existing, shape);
}

const purpose = { during: 'preparing the target table' };

async function createMissing(connection: PostgresConnection, table: TableName, shape: TableShape) {
  const { schema } = table;
  await connection.transaction(async () => {
    // IF NOT EXISTS is no protection against a twin that creates at the same time; a lock on the schema's name is.
    await connection.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [schema], purpose);
    const [known] = await connection.query(
      'SELECT 1 FROM pg_namespace WHERE nspname = $1',
      [schema],
      purpose,
    );
    // Whoever may use a schema need not be allowed to create one.
    if (!known) await connection.query(`CREATE SCHEMA ${quoteName(schema)}`, [], purpose);
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${loadsTable(schema)} (pipeline text NOT NULL, load_id text NOT NULL,
        chunk_id text NOT NULL, run_id text NOT NULL, fence bigint NOT NULL, rows bigint NOT NULL,
        inserted bigint NOT NULL, updated bigint NOT NULL, unchanged bigint NOT NULL, digest text NOT NULL,
        loaded_at timestamptz NOT NULL, PRIMARY KEY (load_id, chunk_id))`,
      [],
      purpose,
    );
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${stepsTable(schema)} (pipeline text NOT NULL, load_id text NOT NULL,
        run_id text NOT NULL, name text NOT NULL, done_at timestamptz NOT NULL,
        PRIMARY KEY (load_id, run_id, name))`,
      [],
      purpose,
    );
    await connection.query(createTableSql(table, shape), [], purpose);
  });
}

async function hasLedger(connection: PostgresConnection, schema: string): Promise<boolean> {
  const text = 'SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL';
  const [row] = await connection.query(text, [loadsTable(schema), stepsTable(schema)], purpose);
  return row?.[0] === 't';
}

async function readTable(
  connection: PostgresConnection,
  table: TableName,
): Promise<ExistingTable | undefined> {
  const name = [quoteTable(table)];
  const [found] = await connection.query(
    'SELECT relkind FROM pg_class WHERE oid = to_regclass($1)',
    name,
    purpose,
  );
  if (!found) return undefined;
  const columns = await connection.query(
    `SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '', attgenerated <> ''
      FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    name,
    purpose,
  );
  // Those ON CONFLICT (columns) may infer: whole, immediate, over columns alone.
  const keys = await connection.query(
    `SELECT array_to_json(array_agg(a.attname::text)) FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(attnum)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indimmediate AND i.indisvalid
        AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid`,
    name,
    purpose,
  );
  return {
    kind: found[0] ?? '',
    columns: columns.map(([column, type, isRequired, hasDefault, isGenerated]) => ({
      name: column ?? '',
      type: type ?? '',
      isRequired: isRequired === 't',
      hasDefault: hasDefault === 't',
      isGenerated: isGenerated === 't',
    })),
    uniqueKeys: keys.map(([json]) => JSON.parse(json ?? '[]')),
  };
}
