import type { SchemaElement } from 'hyparquet';
import { isTimestamp } from '../../contract/text-forms.ts';
import type { Cell } from '../../record.ts';
import type { TableColumn } from '../destination.ts';
import { targetRefusedRows } from '../target-failures.ts';

/** What the writer takes for one cell of a column. */
export type ParquetCell = null | boolean | number | bigint | string | Cell;

export interface ParquetColumn {
  readonly element: SchemaElement;
  /** @throws Failure `target-refused-rows` for a cell that the type cannot hold; it names the column alone. */
  readonly convert: (cell: Cell) => ParquetCell;
}

/**
 * How a column is kept in Parquet (parquet-format, LogicalTypes.md): string UTF8, integer INT64, number DOUBLE,
 * boolean BOOLEAN, timestamp INT64 in microseconds of UTC (finer digits are cut off), date INT32 days, json JSON.
 * A decimal is UTF8 text: contracts give no precision and scale, and without them no DECIMAL can hold every digit.
 */
export function parquetColumn(column: TableColumn): ParquetColumn {
  const { name, type } = column;
  const repetition_type = column.nullable ? 'OPTIONAL' : 'REQUIRED';
  const refuse = (why: string) => targetRefusedRows(name, why);
  const present =
    (convert: (cell: Cell) => ParquetCell) =>
    (cell: Cell): ParquetCell => {
      if (cell !== null) return convert(cell);
      if (column.nullable) return null;
      throw refuse('holds a null, and its contract allows none');
    };
  switch (type) {
    case 'string':
    case 'decimal':
      return {
        element: { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type },
        convert: present((cell) => (typeof cell === 'string' ? cell : JSON.stringify(cell))),
      };
    case 'integer':
      return {
        element: { name, type: 'INT64', repetition_type },
        convert: present((cell) => int64(cell) ?? raise(refuse('holds an integer of more than 64 bits'))),
      };
    case 'number':
      return {
        element: { name, type: 'DOUBLE', repetition_type },
        convert: present((cell) => (typeof cell === 'number' ? cell : raise(refuse('holds no number')))),
      };
    case 'boolean':
      return {
        element: { name, type: 'BOOLEAN', repetition_type },
        convert: present((cell) => (typeof cell === 'boolean' ? cell : raise(refuse('holds no boolean')))),
      };
    case 'timestamp':
      return {
        element: {
          name,
          type: 'INT64',
          converted_type: 'TIMESTAMP_MICROS',
          logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
          repetition_type,
        },
        convert: present((cell) => microsOf(cell) ?? raise(refuse('holds no timestamp'))),
      };
    case 'date':
      return {
        element: { name, type: 'INT32', converted_type: 'DATE', repetition_type },
        convert: present((cell) => daysOf(cell) ?? raise(refuse('holds no date'))),
      };
    case 'json':
      return {
        element: { name, type: 'BYTE_ARRAY', converted_type: 'JSON', repetition_type },
        convert: present((cell) => cell),
      };
  }
}

function raise(failure: Error): never {
  throw failure;
}

const largest = 2n ** 63n;

function int64(cell: Cell): bigint | undefined {
  const isWhole = typeof cell === 'number' ? Number.isInteger(cell) : /^-?\d+$/.test(String(cell));
  if (!isWhole || (typeof cell !== 'number' && typeof cell !== 'string')) return undefined;
  const value = BigInt(cell);
  return value >= -largest && value < largest ? value : undefined;
}

const timestamp = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Microseconds since 1970 of an RFC 3339 text; `Date` alone would keep milliseconds. */
function microsOf(cell: Cell): bigint | undefined {
  // What most sources write, read at once: whole milliseconds of UTC.
  if (typeof cell === 'string' && (cell.length === 24 || cell.length === 20)) {
    if (cell[10] === 'T' && cell.endsWith('Z') && isTimestamp(cell)) return BigInt(Date.parse(cell)) * 1000n;
  }
  const [, day, time, fraction = '', zone] = (typeof cell === 'string' && timestamp.exec(cell)) || [];
  if (zone === undefined) return undefined;
  const seconds = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

const dayMillis = 86_400_000;

function daysOf(cell: Cell): number | undefined {
  if (typeof cell !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(cell)) return undefined;
  const millis = Date.parse(cell);
  return Number.isNaN(millis) ? undefined : millis / dayMillis;
}
