import type { Cell } from '../../../../../shared/etl/record.ts';
import { aColumn, aShape } from '../builders.ts';

/** A column of each type, all but the key nullable. */
export const everyType = aShape(
  aColumn('id'),
  aColumn('large', { type: 'integer', nullable: true }),
  aColumn('measure', { type: 'number', nullable: true }),
  aColumn('yes', { type: 'boolean', nullable: true }),
  aColumn('at', { type: 'timestamp', nullable: true }),
  aColumn('day', { type: 'date', nullable: true }),
  aColumn('price', { type: 'decimal', nullable: true }),
  aColumn('extra', { type: 'json', nullable: true }),
);

const nothing = { large: null, measure: null, yes: null, at: null, day: null, price: null, extra: null };

export const oddStrings: readonly string[] = [
  '',
  ' ',
  '\t\r\n',
  '\\N',
  'NULL',
  '"quoted", \'and\' \\back\\slashed',
  'null\u0000byte',
  '\u2028\u2029\u0085',
  'naïve café',
  'e\u0301',
  '日本語',
  '👩‍👩‍👧 \u{10ffff}',
  '\ufeffmark',
  "'; DROP TABLE orders; --",
  'x'.repeat(10_000),
];

export const oddRows: readonly Record<string, Cell>[] = [
  {
    id: 'plain',
    large: '9223372036854775807',
    measure: 0.1,
    yes: true,
    at: '2026-03-29T01:30:00.123Z',
    day: '2024-02-29',
    price: '12345678901234567890.10',
    extra: { b: [1, null, 'x'], a: { deep: true } },
  },
  { id: 'nothing', ...nothing },
  { id: 'negative', ...nothing, large: '-9223372036854775808', measure: -1.5e-300, day: '1582-10-15' },
  { id: 'zero', ...nothing, large: 0, measure: 0, yes: false, day: '0001-01-01', price: '0', extra: [] },
  { id: 'early', ...nothing, at: '0001-01-01T00:00:00Z', day: '9999-12-31', extra: 'text' },
  { id: 'safe', ...nothing, large: 9007199254740991, measure: Number.MAX_VALUE, extra: 1.5 },
  ...oddStrings.map((id) => ({ id, ...nothing, extra: { [`k${id.slice(0, 20)}`]: id } })),
];
