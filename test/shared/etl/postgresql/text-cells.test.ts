import { describe, expect, it } from 'vitest';
import { readingOf } from '../../../../shared/etl/postgresql/text-cells.ts';

describe('a cell', () => {
  it.each([
    ['bool', 'true', true],
    ['bool', 'false', false],
    ['int8', '9007199254740991', 9_007_199_254_740_991],
    ['int8', '9007199254740993', '9007199254740993'],
    ['float8', '1e-07', 1e-7],
    ['float8', 'NaN', 'NaN'],
    ['float4', '-Infinity', '-Infinity'],
    ['numeric', '12.30', '12.30'],
    ['numeric', 'NaN', 'NaN'],
    ['timestamptz', '2026-01-31 10:00:00.123456+00', '2026-01-31T10:00:00.123456Z'],
    ['timestamptz', '2026-01-31 10:00:00+00', '2026-01-31T10:00:00Z'],
    ['timestamp', '2026-01-31 10:00:00.5', '2026-01-31T10:00:00.5Z'],
    ['timestamptz', 'infinity', 'infinity'],
    ['timestamptz', '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC'],
    ['timestamptz', '12026-01-31 10:00:00+00', '12026-01-31 10:00:00+00'],
    ['date', '2026-01-31', '2026-01-31'],
    ['bytea', '\\x00ff', 'AP8='],
    ['jsonb', '[1, 12345678901234567890, "a"]', [1, '12345678901234567890', 'a']],
    ['uuid', '6c0d9a1e-0000-4000-8000-000000000000', '6c0d9a1e-0000-4000-8000-000000000000'],
    ['text', '', ''],
  ])('%s %s is %j', (type, text, cell) => {
    expect(readingOf({ name: 'x', type, category: 'U' })(text)).toEqual(cell);
  });

  it('of an array is JSON', () => {
    expect(readingOf({ name: 'x', type: '_text', category: 'A' })('["a", null]')).toEqual(['a', null]);
  });
});
