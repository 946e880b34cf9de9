import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableColumn } from '../../../../shared/etl/destinations/destination.ts';
import { copyLines } from '../../../../shared/etl/postgresql/copy-text.ts';
import type { Cell } from '../../../../shared/etl/record.ts';

const columnOf = (name: string, type: TableColumn['type']): TableColumn => ({
  name,
  type,
  nullable: true,
  protection: 'clear',
  metadata: false,
});
const [text, json] = [columnOf('note', 'string'), columnOf('extra', 'json')];

const write = (column: TableColumn, cells: readonly Cell[]) =>
  Buffer.concat([
    ...copyLines(
      cells.map((cell) => ({ [column.name]: cell })),
      [column],
      0,
    ),
  ]).toString();

/** The reading side, by the PostgreSQL documentation of COPY: every backslash escapes, \N alone is null. */
function readCopyText(lines: string): (string | null)[][] {
  const rows = lines.split('\n');
  expect(rows.pop()).toBe('');
  return rows.map((row) => row.split('\t').map((field) => (field === '\\N' ? null : unescapeField(field))));
}

const meanings: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const unescapeField = (field: string) =>
  field.replace(/\\(.)/gsu, (_, letter: string) => meanings[letter] ?? letter);

const dangerous = fc.constantFrom(
  '\\',
  '\\N',
  '\\.',
  '\t',
  '\n',
  '\r',
  '\\n',
  '\b',
  '\v',
  '\f',
  'a',
  'ü',
  '😀',
  ' ',
);
const storable = fc.oneof(
  fc.array(dangerous).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0') && value.isWellFormed()),
);

describe('the text of COPY', () => {
  it('gives every text back, and tells null from it', () => {
    fc.assert(
      fc.property(fc.array(fc.option(storable), { minLength: 1 }), (cells) => {
        const rows = readCopyText(write(text, cells));
        expect(rows).toEqual(cells.map((cell, index) => [cell, String(index)]));
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives every document back', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => value !== null),
        (value) => {
          const [[written] = []] = readCopyText(write(json, [value as Cell]));
          expect(JSON.parse(written ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it('comes in pieces that fit into memory, whole lines in each', () => {
    const rows = Array.from({ length: 3_000 }, () => ({ note: 'x'.repeat(100) }));
    const pieces = [...copyLines(rows, [text], 7)];
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces) expect(piece.toString().endsWith('\n')).toBe(true);
    expect(pieces.join('').split('\n').at(-2)).toMatch(/\t3006$/);
  });

  it.each([
    ['NUL', 'canary\0'],
    ['half a surrogate pair', 'canary\ud83d'],
    ['an object', { canary: 1 }],
  ])('has no place for %s, and says so without the value', (what, cell) => {
    expect(() => write(text, [cell])).toThrowError(
      expect.objectContaining({ code: 'target-refused-rows', disposition: 'give-up' }),
    );
    expect(() => write(text, [cell])).toThrowError(what);
    expect(() => write(text, [cell])).toThrowError('"note"');
    expect(() => write(text, [cell])).not.toThrowError('canary');
  });

  it.each(['\0', 'x\\\0', '\ud83d', '\udc00'])('has no place for %j within a document', (part) => {
    expect(() => write(json, [{ a: [part] }])).toThrowError(
      expect.objectContaining({ code: 'target-refused-rows' }),
    );
    expect(() => write(json, [{ [part]: 1 }])).toThrowError('"extra"');
  });

  it.each(['\\u0000', '\\\\u0000', '\\ud83d', '\ud83d\ude00', 'u0000'])(
    'takes %j, which only looks like it',
    (part) => {
      expect(write(json, [part])).toContain('\t0\n');
    },
  );

  it('writes what holds sealed cells by their names as the document it is', () => {
    const sealed: TableColumn = { ...json, protection: 'encrypted' };
    expect(write(sealed, [{ later: 'v1|a|b' }])).toBe('{"later":"v1|a|b"}\t0\n');
  });
});
