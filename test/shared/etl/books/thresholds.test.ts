import { describe, expect, it } from 'vitest';
import { booksOf } from '../../../../shared/etl/books/books.ts';
import { emptyTally, judgeQuality } from '../../../../shared/etl/books/quality.ts';
import { thresholdsOf } from '../../../../shared/etl/books/thresholds.ts';
import { noon } from '../ledger/builders.ts';
import { aPipeline } from '../transforms/pipelines.ts';

const quality = {
  nullRate: { email: { warn: 0.1, fail: 0.5 }, age: { fail: 0 } },
  duplicateRate: { warn: 0.01 },
  schemaViolationRate: { fail: 0.05 },
};

describe('the thresholds of a definition', () => {
  it('are its quality, column by column, and its quarantine policy', () => {
    expect(thresholdsOf(aPipeline({ quality }))).toEqual([
      { metric: 'null-rate', column: 'email', max: 0.1, action: 'warn' },
      { metric: 'null-rate', column: 'email', max: 0.5, action: 'fail' },
      { metric: 'null-rate', column: 'age', max: 0, action: 'fail' },
      { metric: 'duplicate-rate', max: 0.01, action: 'warn' },
      { metric: 'violation-rate', max: 0.05, action: 'fail' },
      { metric: 'quarantine-rate', max: 0.05, action: 'fail' },
    ]);
  });

  it('hold the newest record to its age in seconds', () => {
    const freshness = { column: 'ordered_at', warnSeconds: 60, failSeconds: 600 };
    const definition = { ...aPipeline(), quality: { freshness } };
    expect(thresholdsOf(definition).slice(0, 2)).toEqual([
      { metric: 'freshness-seconds', max: 60, action: 'warn' },
      { metric: 'freshness-seconds', max: 600, action: 'fail' },
    ]);
  });

  const verdictOn = (quarantine: object, quarantined: number) => {
    const books = booksOf({ extracted: 200, quarantined, staged: 200 - quarantined });
    const thresholds = thresholdsOf(aPipeline({ quarantine }));
    return judgeQuality({ tally: emptyTally, books, asOf: noon }, thresholds).map(({ action }) => action);
  };

  it.each([
    [{ failOn: 'first' }, 0, []],
    [{ failOn: 'first' }, 1, ['fail']],
    [{ failOn: 'count', maxCount: 3 }, 3, []],
    [{ failOn: 'count', maxCount: 3 }, 4, ['fail']],
    [{ failOn: 'percent', maxPercent: 5 }, 10, []],
    [{ failOn: 'percent', maxPercent: 5 }, 11, ['fail']],
    [{ failOn: 'never' }, 0, []],
    [{ failOn: 'never' }, 200, ['warn']],
  ])('judge quarantine by %j: %i of 200 is %j', (quarantine, quarantined, verdict) => {
    expect(verdictOn(quarantine, quarantined)).toEqual(verdict);
  });

  it('only warn about a replay, whose records were chosen for being bad', () => {
    const thresholds = thresholdsOf(aPipeline({ quality }), 'replay');
    expect(thresholds).toHaveLength(6);
    expect(new Set(thresholds.map(({ action }) => action))).toEqual(new Set(['warn']));
  });
});
