import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileComparison } from '../../../../shared/etl/expressions/comparisons.ts';
import { compileFilter, type FilterColumn } from '../../../../shared/etl/expressions/filter.ts';
import { createEnvironment } from '../../../../shared/etl/expressions/syntax.ts';
import type { Cell } from '../../../../shared/etl/record.ts';

const columns = new Map<string, FilterColumn>([
  ['text', { type: 'string', nullable: false, slot: 0 }],
  ['whole', { type: 'integer', nullable: false, slot: 1 }],
  ['broken', { type: 'number', nullable: false, slot: 2 }],
  ['maybe', { type: 'string', nullable: true, slot: 3 }],
]);

const orders = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const leaf = fc.oneof(
  fc
    .tuple(fc.constantFrom('==', '!='), fc.constantFrom('', 'a', 'b', 'é', '__proto__'))
    .map(([op, literal]) => `row.text ${op} "${literal}"`),
  fc.tuple(orders, fc.integer({ min: -3, max: 3 })).map(([op, literal]) => `row["whole"] ${op} ${literal}`),
  fc
    .tuple(orders, fc.constantFrom('-1.5', '0.0', '-0.0', '2.0', '1e20'))
    .map(([op, literal]) => `row.broken ${op} ${literal}`),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc
      .tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression'))
      .map(([left, op, right]) => `(${left} ${op} ${right})`),
    tie('expression').map((inner) => `!(${inner})`),
  ),
}));

const row = fc.tuple(
  fc.constantFrom<Cell>('', 'a', 'b', 'é', '__proto__', 'x'.repeat(16_385), null, 7),
  fc.constantFrom<Cell>(-3, 0, 1, 3, '9007199254740993', '-9007199254740993', null, 1.5),
  fc.constantFrom<Cell>(-1.5, 0, -0, 2, 1e20, null, 'text'),
);

const compiled = (text: string) => {
  const filter = compileFilter(text, columns);
  if ('code' in filter) throw new Error(filter.message);
  return filter;
};

const comparisonOf = (text: string) =>
  compileComparison(
    createEnvironment({ text: 'string', whole: 'int', broken: 'double', maybe: 'dyn' }, () => false).parse(
      text,
    ).ast,
    columns,
  );

describe('a filter of comparisons alone', () => {
  it('decides every row as the whole language does', () => {
    let decided = 0;
    fc.assert(
      fc.property(expression, fc.array(row, { minLength: 1, maxLength: 8 }), (text, rows) => {
        const quick = compiled(text);
        // A call is none of the comparisons, so this one is walked.
        const walked = compiled(`(${text}) && size("a") == 1`);
        for (const cells of rows) {
          if (comparisonOf(text)?.(cells) !== undefined) decided++;
          expect(quick.decide(cells)).toEqual(walked.decide(cells));
        }
      }),
      { numRuns: 2_000 },
    );
    expect(decided).toBeGreaterThan(1_000);
  });

  it.each([
    'row.text == "a"',
    'row.text != "test" && row.whole > 0',
    '!(row.broken <= -1.5) || row["whole"] == 3',
  ])('%s is one', (text) => {
    expect(comparisonOf(text)).toBeDefined();
  });

  it.each([
    'row.text < "a"',
    'row.maybe == "a"',
    'row.whole == 9007199254740993',
    'row.whole + 1 == 2',
    'row.text == row.text',
    'row.text.size() == 1',
    '"a" == row.text',
    'row.whole in [1, 2]',
  ])('%s is none', (text) => {
    expect(comparisonOf(text)).toBeUndefined();
  });
});
