import type { Cell } from '../record.ts';
import { parseStrictly } from '../records/json-strict.ts';
import { defaultRecordLimits } from '../records/limits.ts';

/** How a column's text becomes a cell. */
export type CellReading = (text: string) => Cell;

/** A column of a table that is read. */
export interface SourceColumn {
  readonly name: string;
  /** `pg_type.typname` of the column, of its base type where it is a domain. */
  readonly type: string;
  /** `pg_type.typcategory`: A for arrays, C for composites, R for ranges. */
  readonly category: string;
}

const json: CellReading = (text) => parseStrictly(text, defaultRecordLimits);
const asIs: CellReading = (text) => text;

/** NaN and the infinities have no JSON form; they stay words, which a contract refuses. */
const number: CellReading = (text) => {
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
};

/** A double rounds the longer ones: they stay digits, as in every other source. */
const integer: CellReading = (text) => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};

/** `2026-01-31 10:00:00.25+00` of a session in UTC, RFC 3339 in the end; years beyond four digits stay as they are. */
const instant: CellReading = (text) => {
  const [, date, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/.exec(text) ?? [];
  return date && time ? `${date}T${time}Z` : text;
};

const readings: Readonly<Record<string, CellReading>> = {
  bool: (text) => text === 'true',
  int2: integer,
  int4: integer,
  int8: integer,
  oid: integer,
  float4: number,
  float8: number,
  timestamptz: instant,
  // Without a zone of its own it is taken to be UTC.
  timestamp: instant,
  json,
  jsonb: json,
  // `\x` and hexadecimal digits.
  bytea: (text) => Buffer.from(text.slice(2), 'hex').toString('base64'),
};

const isNested = ({ category }: SourceColumn) => category === 'A' || category === 'C' || category === 'R';

/**
 * Numeric stays digits, date is YYYY-MM-DD already, json is parsed, bytea becomes base64, arrays and composites
 * become JSON; everything else is the text PostgreSQL writes.
 */
export const readingOf = (column: SourceColumn): CellReading =>
  isNested(column) ? json : (readings[column.type] ?? asIs);

/** The column as SQL that answers text. */
export const selectText = (column: SourceColumn, quoted: string): string =>
  isNested(column) ? `to_jsonb(${quoted})::text` : `${quoted}::text`;

/** Types whose text can be as long as it likes. */
const bounded = new Set([
  ...['bool', 'int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'timestamptz', 'timestamp', 'date'],
  ...['time', 'timetz', 'interval', 'uuid', 'inet', 'cidr', 'macaddr', 'macaddr8', 'money', 'name'],
]);
export const isBounded = (column: SourceColumn): boolean => bounded.has(column.type) && !isNested(column);
