import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { TableShape } from '../../../../../shared/etl/destinations/destination.ts';
import { encodeParquet } from '../../../../../shared/etl/destinations/files/parquet-file.ts';
import type { Cell } from '../../../../../shared/etl/record.ts';
import { aColumn, aPart, aRow, aShape, neverAborted } from '../builders.ts';
import { everyType, oddRows } from './odd-rows.ts';

const writer = { runId: 'run', fence: 1 };
async function encode(cells: readonly Record<string, Cell>[], shape: TableShape) {
  const bytes = await encodeParquet(aPart(cells.map(aRow)), shape, { signal: neverAborted, writer });
  return new Uint8Array(bytes).buffer;
}

describe('a Parquet part', () => {
  it('gives every type back as it went in', async () => {
    const file = await encode(oddRows, everyType);
    // The reader's own decoder swallows a byte order mark at the start of a string.
    const stringFromBytes = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
    const rows = await parquetReadObjects({ file, parsers: { stringFromBytes } as never });
    expect(rows).toHaveLength(oddRows.length);
    const [first] = rows;
    expect(first).toEqual({
      id: 'plain',
      large: 9223372036854775807n,
      measure: 0.1,
      yes: true,
      at: new Date('2026-03-29T01:30:00.123Z'),
      day: new Date('2024-02-29T00:00:00Z'),
      price: '12345678901234567890.10',
      extra: { b: [1, null, 'x'], a: { deep: true } },
    });
    expect(rows.map(({ id }) => id)).toEqual(oddRows.map(({ id }) => id));
    expect(rows[1]).toMatchObject({
      large: null,
      measure: null,
      yes: null,
      at: null,
      day: null,
      price: null,
      extra: null,
    });
    expect(rows[2]).toMatchObject({
      large: -9223372036854775808n,
      measure: -1.5e-300,
      day: new Date('1582-10-15'),
    });
  });

  it('keeps microseconds and reckons zones into UTC', async () => {
    const file = await encode(
      [{ at: '2026-01-01T00:30:00.123456+01:00' }, { at: '1969-12-31T23:59:59.999999999Z' }],
      aShape(aColumn('at', { type: 'timestamp' })),
    );
    const rows = await parquetReadObjects({
      file,
      parsers: { timestampFromMicroseconds: (micros: bigint) => micros } as never,
    });
    expect(rows).toEqual([{ at: 1767223800123456n }, { at: -1n }]);
  });

  it('marks what may be null and what may not', async () => {
    const { schema } = parquetMetadata(await encode(oddRows, everyType));
    const repetition = Object.fromEntries(schema.map(({ name, repetition_type }) => [name, repetition_type]));
    expect(repetition).toMatchObject({ id: 'REQUIRED', large: 'OPTIONAL', extra: 'OPTIONAL' });
  });

  it('shows no smallest or largest value of a protected column in its footer', async () => {
    const shape = aShape(
      aColumn('id'),
      aColumn('hashed', { protection: 'hashed' }),
      aColumn('masked', { protection: 'masked' }),
      aColumn('sealed', { protection: 'encrypted' }),
    );
    const cells = { id: 'clear', hashed: 'h1:abc', masked: 'A***', sealed: 'v1|k|i|c|t' };
    const metadata = parquetMetadata(await encode([cells], shape));
    const columns = metadata.row_groups.flatMap((group) => group.columns.map(({ meta_data }) => meta_data));
    expect(columns.map((column) => column?.statistics?.min_value)).toEqual([
      'clear',
      undefined,
      undefined,
      undefined,
    ]);
    expect(columns.slice(1).every((column) => column?.statistics === undefined)).toBe(true);
  });

  it('is cut into row groups of 10,000', async () => {
    const file = await encode(
      Array.from({ length: 20_001 }, (_, index) => ({ id: String(index) })),
      aShape(aColumn('id')),
    );
    const { row_groups } = parquetMetadata(file);
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([10_000, 10_000, 1]);
  });

  it.each([
    ['an integer beyond 64 bits', aColumn('n', { type: 'integer' }), '9223372036854775808'],
    ['an integer that is none', aColumn('n', { type: 'integer' }), 1.5],
    ['a null where none may be', aColumn('n'), null],
    ['a timestamp without a zone', aColumn('n', { type: 'timestamp' }), '2026-01-01T00:00:00'],
    ['a day that does not exist', aColumn('n', { type: 'date' }), '2026-13-01'],
    ['text for a number', aColumn('n', { type: 'number' }), '1.5'],
  ])('refuses %s, naming the column and not the value', async (_, column, cell) => {
    const failure = encode([{ n: cell }], aShape(column));
    await expect(failure).rejects.toMatchObject({ code: 'target-refused-rows', disposition: 'give-up' });
    await expect(failure).rejects.toThrow('"n"');
    if (cell !== null) await expect(failure).rejects.not.toThrow(String(cell));
  });
});
