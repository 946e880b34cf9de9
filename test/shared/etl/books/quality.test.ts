import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { booksOf } from '../../../../shared/etl/books/books.ts';
import {
  addTallies,
  emptyTally,
  judgeQuality,
  measureQuality,
  type QualityTally,
  type Threshold,
} from '../../../../shared/etl/books/quality.ts';
import { noon, secondsLater } from '../ledger/builders.ts';

const byName = fc.dictionary(fc.constantFrom('email', 'phone', 'constructor', 'name'), fc.nat(1000));
const anyTally: fc.Arbitrary<QualityTally> = fc
  .record({
    records: fc.nat(1000),
    nulls: byName,
    violations: byName,
    violating: fc.nat(1000),
    newest: fc.option(fc.nat(100_000), { nil: undefined }),
  })
  .map(({ newest, ...rest }) => ({
    ...rest,
    ...(newest !== undefined && { newestAt: secondsLater(newest) }),
  }));

const evidence = {
  tally: {
    records: 100,
    nulls: { email: 25 },
    violations: { type: 4 },
    violating: 3,
    newestAt: secondsLater(-90),
  },
  books: booksOf({ extracted: 200, duplicates: 10 }),
  asOf: noon,
};

describe('quality', () => {
  it('adds up the same in any order and grouping', () => {
    fc.assert(
      fc.property(anyTally, anyTally, anyTally, (a, b, c) => {
        const sum = addTallies([a, b, c]);
        expect(addTallies([addTallies([a, b]), c])).toEqual(sum);
        expect(addTallies([a, addTallies([b, c])])).toEqual(sum);
        expect(JSON.stringify(addTallies([c, b, a]))).toBe(JSON.stringify(sum));
        expect(addTallies([sum, emptyTally])).toEqual(sum);
      }),
    );
  });

  it('is measured in shares of what was looked at, and in seconds', () => {
    expect(measureQuality(evidence, ['email', 'phone', 'constructor'])).toEqual([
      { metric: 'null-rate', column: 'email', value: 0.25 },
      { metric: 'null-rate', column: 'phone', value: 0 },
      { metric: 'null-rate', column: 'constructor', value: 0 },
      { metric: 'duplicate-rate', value: 0.05 },
      { metric: 'violation-rate', value: 0.03 },
      { metric: 'freshness-seconds', value: 90 },
      { metric: 'quarantined-records', value: 0 },
      { metric: 'quarantine-rate', value: 0 },
    ]);
  });

  it.each<[Threshold, boolean]>([
    [{ metric: 'null-rate', column: 'email', max: 0.25, action: 'fail' }, false],
    [{ metric: 'null-rate', column: 'email', max: 0.249, action: 'fail' }, true],
    [{ metric: 'duplicate-rate', max: 0.04, action: 'warn' }, true],
    [{ metric: 'violation-rate', max: 0.03, action: 'warn' }, false],
    [{ metric: 'freshness-seconds', max: 89, action: 'fail' }, true],
  ])('held to %j breaks it: %s', (threshold, broken) => {
    const findings = judgeQuality(evidence, [threshold]);
    expect(findings.map(({ action }) => action)).toEqual(broken ? [threshold.action] : []);
  });

  it('says what is broken in names and numbers', () => {
    const [finding] = judgeQuality(evidence, [
      { metric: 'null-rate', column: 'email', max: 0.1, action: 'fail' },
    ]);
    expect(finding?.message).toBe('null-rate of email is 0.25, above 0.1');
  });

  it('is not broken by a run without records, but is by records nobody knows the age of', () => {
    const none = { tally: emptyTally, books: booksOf({}), asOf: noon };
    const thresholds: Threshold[] = [
      { metric: 'null-rate', column: 'email', max: 0, action: 'fail' },
      { metric: 'duplicate-rate', max: 0, action: 'fail' },
      { metric: 'freshness-seconds', max: 60, action: 'fail' },
    ];
    expect(judgeQuality(none, thresholds)).toEqual([]);
    const ageless = { ...none, tally: { ...emptyTally, records: 1 } };
    expect(judgeQuality(ageless, thresholds).map(({ threshold }) => threshold.metric)).toEqual([
      'freshness-seconds',
    ]);
  });
});
