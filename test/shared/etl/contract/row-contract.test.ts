import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { mergeDrift, noDrift } from '../../../../shared/etl/contract/drift.ts';
import { compileContract, validateRow } from '../../../../shared/etl/contract/row-contract.ts';
import { isDate, isDecimal, isInteger, isTimestamp } from '../../../../shared/etl/contract/text-forms.ts';
import { scanForUndeclaredPii } from '../../../../shared/etl/contract/undeclared-pii.ts';
import { contractSchema } from '../../../../shared/etl/definition/column.ts';
import type { Cell } from '../../../../shared/etl/record.ts';

const contractOf = (column: Record<string, unknown>, types = 'quarantine') =>
  compileContract(
    contractSchema.parse({
      columns: { 'a/b': { classification: 'internal', ...column } },
      types,
      key: ['a/b'],
    }),
  );

const codesOf = (column: Record<string, unknown>, cell: Cell | undefined, types?: string) =>
  validateRow(cell === undefined ? {} : { 'a/b': cell }, contractOf(column, types)).map(({ code }) => code);

const loaded = (column: Record<string, unknown>, cell: Cell): Cell | undefined => {
  const cells: Cell[] = [];
  const reasons = contractOf(column, 'coerce').load({ 'a/b': cell }, cells);
  return reasons ? undefined : cells[0];
};

describe('a contract', () => {
  it.each([
    [{ type: 'string' }, 'x', []],
    [{ type: 'string' }, 7, ['wrong-type']],
    [{ type: 'string' }, null, ['missing-value']],
    [{ type: 'string' }, undefined, ['missing-value']],
    [{ type: 'string', nullable: true }, undefined, []],
    [{ type: 'string', nullable: true, enum: ['a'] }, null, []],
    [{ type: 'string', enum: ['a'] }, 'b', ['not-in-enum']],
    [{ type: 'string', pattern: '^a+$' }, 'aab', ['pattern-mismatch']],
    [{ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(4_000)}!`, ['pattern-mismatch']],
    [{ type: 'string', pattern: 'a' }, 'a'.repeat(5_000), ['too-long']],
    [{ type: 'string', minLength: 2, maxLength: 3 }, 'a', ['too-short']],
    [{ type: 'integer' }, 7, []],
    [{ type: 'integer' }, 7.5, ['wrong-type']],
    [{ type: 'integer' }, '7', ['wrong-form']],
    [{ type: 'integer' }, '12345678901234567890', []],
    [{ type: 'integer', max: 10 }, '12345678901234567890', ['wrong-form']],
    [{ type: 'integer', max: 10 }, '-12345678901234567890', []],
    [{ type: 'integer', min: 0, max: 10 }, 11, ['above-maximum']],
    [{ type: 'integer', min: 0 }, -1, ['below-minimum']],
    [{ type: 'number' }, 1e300, []],
    [{ type: 'number' }, '1', ['wrong-type']],
    [{ type: 'boolean' }, 'true', ['wrong-type']],
    [{ type: 'timestamp' }, '2026-02-29T00:00:00Z', ['wrong-form']],
    [{ type: 'date' }, '2026-13-01', ['wrong-form']],
    [{ type: 'decimal' }, 1.5, ['wrong-type']],
    [{ type: 'decimal' }, '1.50', []],
    [{ type: 'json' }, { any: [1] }, []],
    [{ type: 'json' }, null, ['missing-value']],
  ] as const)('%j holds against %j: %j', (column, cell, codes) => {
    expect(codesOf(column, cell as Cell | undefined)).toEqual(codes);
  });

  it('points at the column and tells nothing of the cell', () => {
    const reasons = validateRow(
      { 'a/b': 'canary' },
      contractOf({ type: 'string', enum: ['x'], pattern: '^z' }),
    );
    expect(reasons.map(({ path }) => path)).toEqual(['/a~1b', '/a~1b']);
    expect(JSON.stringify(reasons)).not.toContain('canary');
  });

  it('stops the run when types are frozen and another one comes, without telling the cell', () => {
    const frozen = () => codesOf({ type: 'integer' }, 'canary', 'freeze');
    expect(frozen).toThrow(expect.objectContaining({ code: 'contract-type-frozen', disposition: 'give-up' }));
    expect(frozen).not.toThrow(/canary/);
    expect(codesOf({ type: 'integer' }, null, 'freeze')).toEqual(['missing-value']);
    expect(codesOf({ type: 'integer', min: 5 }, 1, 'freeze')).toEqual(['below-minimum']);
  });

  it('keeps twenty reasons at most', () => {
    const names = Array.from({ length: 50 }, (_, index) => `c${index}`);
    const columns = Object.fromEntries(
      names.map((name) => [name, { type: 'integer', classification: 'public' }]),
    );
    const contract = compileContract(contractSchema.parse({ columns, key: ['c0'] }));
    expect(validateRow(Object.fromEntries(names.map((name) => [name, 'x'])), contract)).toHaveLength(20);
  });
});

describe('a hostile contract', () => {
  const payloads = [
    "'];globalThis.polluted=1;//",
    '"+(globalThis.polluted=1)+"',
    '`+(globalThis.polluted=1)+`',
    '\u2028globalThis.polluted=1',
    '\\";globalThis.polluted=1;//',
    '*/globalThis.polluted=1/*',
    '__proto__',
    '</script>',
  ];

  it.each(payloads)('runs nothing of %j, wherever it stands', (text) => {
    expect(codesOf({ type: 'string', enum: [text, 'b'] }, text)).toEqual([]);
    expect(codesOf({ type: 'string', enum: [text, 'b'] }, 'c')).toEqual(['not-in-enum']);
    expect(codesOf({ type: 'string', pattern: RE2JS.quote(text) }, text)).toEqual([]);
    const columns = { [`x${text}`]: { type: 'string', classification: 'public' } };
    const contract = compileContract(contractSchema.parse({ columns, key: [`x${text}`] }));
    expect(validateRow({ [`x${text}`]: 1 }, contract)).toHaveLength(1);
    expect(globalThis).not.toHaveProperty('polluted');
  });
});

describe('coercion', () => {
  it.each([
    ['integer', '42', 42],
    ['integer', '-0', undefined],
    ['integer', '042', undefined],
    ['integer', ' 42', undefined],
    ['integer', '4e2', undefined],
    ['integer', '9007199254740993', '9007199254740993'],
    ['integer', 1.5, undefined],
    ['number', '1.5e3', 1_500],
    ['number', '0x10', undefined],
    ['number', 'Infinity', undefined],
    ['number', '1e999', undefined],
    ['boolean', 'true', true],
    ['boolean', 'yes', undefined],
    ['boolean', 1, undefined],
    ['decimal', 19.9, '19.9'],
    ['decimal', 1e21, undefined],
    ['decimal', '00.1', undefined],
    ['string', 42, '42'],
    ['string', true, 'true'],
    ['string', { a: 1 }, undefined],
    ['timestamp', '2026-01-01', undefined],
    ['date', '2026-01-01', '2026-01-01'],
  ] as const)('to %s makes of %j %j', (type, cell, expected) => {
    expect(loaded({ type }, cell)).toEqual(expected);
  });

  it('takes an empty cell for a missing one where one may be missing, and is not text', () => {
    expect(loaded({ type: 'integer', nullable: true }, '')).toBeNull();
    expect(loaded({ type: 'string', nullable: true }, '')).toBe('');
    expect(loaded({ type: 'integer' }, '')).toBeUndefined();
  });

  it('gives integers back as they were written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), (value) => {
        expect(String(loaded({ type: 'integer' }, String(value)))).toBe(String(value));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('written forms', () => {
  it('of timestamps agree with the language on every date, and want a zone', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const text = date.toISOString();
          expect(isTimestamp(text)).toBe(true);
          expect(isDate(text.slice(0, 10))).toBe(true);
          expect(isTimestamp(text.slice(0, -1))).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(['2026-01-01T00:00:00+05:30', '2026-01-01t00:00:00.123456789z'].every(isTimestamp)).toBe(true);
    expect(
      [
        '2026-01-01T24:00:00Z',
        '2026-01-01T00:00:60Z',
        '2026-01-01 00:00:00Z',
        '2026-01-01T00:00:00.Z',
        '2026-01-01T00:00:00+24:00',
        '1900-02-29T00:00:00Z',
      ].some(isTimestamp),
    ).toBe(false);
  });

  it('of numbers take nothing but digits where they say so', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 6 }), (text) => {
        expect(isInteger(text)).toBe(/^(0|-?[1-9]\d*)$/.test(text));
        expect(isDecimal(text)).toBe(/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the look for undeclared personal data', () => {
  const scan = (...cells: Cell[]) =>
    scanForUndeclaredPii(
      cells.map((note) => ({ note })),
      ['note'],
    );

  it('tells column, kind and count, and no value', () => {
    const warnings = scan(
      'mail ada@example.com',
      'nothing',
      'card 4111 1111 1111 1111',
      'DE89 3704 0044 0532 0130 00',
    );
    expect(warnings).toEqual([
      { column: 'note', kind: 'email', rows: 1, sampled: 4 },
      { column: 'note', kind: 'payment-card', rows: 1, sampled: 4 },
      { column: 'note', kind: 'iban', rows: 1, sampled: 4 },
    ]);
  });

  it('asks the check digits', () => {
    expect(
      scan(
        '4111 1111 1111 1112',
        'DE89 3704 0044 0532 0130 02',
        '0000 0000 0000 0000',
        'a@b',
        'ORD-12345678',
      ),
    ).toEqual([]);
  });

  it('looks into numbers and JSON', () => {
    expect(scan(4_111_111_111_111_111, { deep: ['ada@example.com'] }).map(({ kind }) => kind)).toEqual([
      'email',
      'payment-card',
    ]);
  });
});

describe('drift', () => {
  it('adds up whatever the order', () => {
    const drift = fc.record({
      columns: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(9)),
      others: fc.nat(9),
    });
    fc.assert(
      fc.property(drift, drift, drift, (one, two, three) => {
        expect(mergeDrift(mergeDrift(one, two), three)).toEqual(mergeDrift(one, mergeDrift(two, three)));
        expect(mergeDrift(one, two)).toEqual(mergeDrift(two, one));
        expect(mergeDrift(one, noDrift)).toEqual({ columns: { ...one.columns }, others: one.others });
      }),
    );
  });
});
