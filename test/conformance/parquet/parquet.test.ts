import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TableShape } from '../../../shared/etl/destinations/destination.ts';
import { createS3Destination } from '../../../shared/etl/destinations/s3/destination.ts';
import { createMemoryObjectStore } from '../../../shared/etl/objects/store.memory.ts';
import type { Row } from '../../../shared/etl/record.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { aColumn, aFinish, aPart, aRequest, aRow, aShape } from '../../shared/etl/destinations/builders.ts';
import { everyType, oddRows } from '../../shared/etl/destinations/files/odd-rows.ts';
import { askDuckDb } from './duckdb.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parquet-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Loads the rows in parts, and lays the finished load's objects out as files for DuckDB. */
async function load(format: 'parquet' | 'ndjson', parts: readonly (readonly Row[])[], shape: TableShape) {
  const objects = createMemoryObjectStore(systemClock);
  const definition = { type: 's3', prefix: '', table: 'orders', format } as const;
  const destination = createS3Destination({ definition, objects, clock: systemClock });
  const staged = parts.map((rows, index) => aPart(rows, { index }));
  await destination.load(aRequest([], { parts: staged, shape }));
  await destination.finish(aFinish({ shape }));
  for await (const { key } of objects.listVersions('orders/load=')) {
    const pieces: Uint8Array[] = [];
    for await (const piece of (await objects.read(key))?.bytes ?? []) pieces.push(piece);
    await writeFile(join(folder, basename(key)), Buffer.concat(pieces));
  }
  return join(folder, `*.${format}`);
}

const typesOf = (names: readonly string[], types: readonly string[]) =>
  Object.fromEntries(names.map((name, index) => [name, types[index]]));

describe('a Parquet load, read by DuckDB', () => {
  it('has the types that the contract names', async () => {
    const files = await load('parquet', [oddRows.map(aRow)], everyType);
    const { names, rows } = await askDuckDb(files, 'DESCRIBE SELECT * FROM read_parquet({files})');
    expect(names.slice(0, 2)).toEqual(['column_name', 'column_type']);
    expect(Object.fromEntries(rows.map(([name, type]) => [name, type]))).toEqual({
      id: 'VARCHAR',
      large: 'BIGINT',
      measure: 'DOUBLE',
      yes: 'BOOLEAN',
      at: 'TIMESTAMP WITH TIME ZONE',
      day: 'DATE',
      price: 'VARCHAR',
      extra: 'JSON',
    });
  });

  it('gives every cell back, nulls and odd strings among them', async () => {
    const files = await load('parquet', [oddRows.map(aRow)], everyType);
    const query = `SELECT id, CAST(large AS VARCHAR), measure, yes,
      strftime("at" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'), CAST(day AS VARCHAR), price, CAST(extra AS VARCHAR)
      FROM read_parquet({files})`;
    const { rows } = await askDuckDb(files, query);
    const isoMicros = (text: unknown) =>
      typeof text === 'string'
        ? text.replace(/(?:\.(\d+))?Z$/, (_, digits = '') => `.${digits.padEnd(6, '0')}Z`)
        : null;
    const expected = oddRows.map(({ id, large, measure, yes, at, day, price, extra }) => [
      id,
      large == null ? null : String(large),
      measure,
      yes,
      isoMicros(at),
      day,
      price,
      extra == null ? null : JSON.stringify(extra),
    ]);
    expect(rows).toEqual(expected);
  });

  it('counts the same over many parts and row groups', async () => {
    const shape = aShape(aColumn('id', { type: 'integer' }), aColumn('name', { protection: 'hashed' }));
    const rows = Array.from({ length: 25_000 }, (_, index) => aRow({ id: index, name: `h1:${index % 97}` }));
    const files = await load('parquet', [rows.slice(0, 12_000), rows.slice(12_000)], shape);
    const query =
      'SELECT count(*)::VARCHAR, sum(id)::VARCHAR, count(DISTINCT name)::VARCHAR FROM read_parquet({files})';
    expect((await askDuckDb(files, query)).rows).toEqual([['25000', String((24_999 * 25_000) / 2), '97']]);
  });

  it('shows no bounds of protected columns in its footers', async () => {
    const shape = aShape(
      aColumn('id'),
      aColumn('name', { protection: 'masked' }),
      aColumn('address', { protection: 'encrypted' }),
    );
    const files = await load(
      'parquet',
      [[aRow({ id: 'a', name: 'J***', address: 'v1|k|iv|ct|tag' })]],
      shape,
    );
    const query = `SELECT path_in_schema, coalesce(stats_min_value, stats_min) FROM parquet_metadata({files})
      ORDER BY path_in_schema`;
    expect((await askDuckDb(files, query)).rows).toEqual([
      ['address', null],
      ['id', 'a'],
      ['name', null],
    ]);
  });
});

describe('an NDJSON load, read by DuckDB', () => {
  it('has a row for each line and every digit of large integers', async () => {
    const files = await load('ndjson', [oddRows.map(aRow)], everyType);
    const query =
      "SELECT id, large FROM read_json({files}, format = 'newline_delimited', columns = {id: 'VARCHAR', large: 'BIGINT'})";
    const { names, types, rows } = await askDuckDb(files, query);
    expect(typesOf(names, types)).toEqual({ id: 'VARCHAR', large: 'BIGINT' });
    const expected = oddRows.map(({ id, large }) => [id, large == null ? null : String(large)]);
    expect(rows).toEqual(expected);
  });
});
