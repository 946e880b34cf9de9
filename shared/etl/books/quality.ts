import type { Books } from './books.ts';

/** What was seen of the records' quality, in columns' names and numbers; parts of it add up. */
export interface QualityTally {
  /** Records that were looked at: readable ones, before any was set aside. */
  readonly records: number;
  /** Records without a value, by column; a column that had none may be absent. */
  readonly nulls: Readonly<Record<string, number>>;
  /** Breaches of the contract, by the code of the reason. */
  readonly violations: Readonly<Record<string, number>>;
  /** Records with at least one breach. */
  readonly violating: number;
  /** The newest instant that a record says it is of; absent where none said. */
  readonly newestAt?: Date | undefined;
}

export const emptyTally: QualityTally = { records: 0, nulls: {}, violations: {}, violating: 0 };

/** Sums and the newest instant; the order and the grouping of the parts are all the same. */
export function addTallies(parts: readonly QualityTally[]): QualityTally {
  const newest = Math.max(...parts.map(({ newestAt }) => newestAt?.getTime() ?? Number.NEGATIVE_INFINITY));
  return {
    records: sum(parts.map(({ records }) => records)),
    nulls: addByName(parts.map(({ nulls }) => nulls)),
    violations: addByName(parts.map(({ violations }) => violations)),
    violating: sum(parts.map(({ violating }) => violating)),
    ...(Number.isFinite(newest) && { newestAt: new Date(newest) }),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function addByName(parts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const [name, number] of parts.flatMap((part) => Object.entries(part)))
    sums.set(name, (sums.get(name) ?? 0) + number);
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export type MetricName =
  | 'null-rate'
  | 'duplicate-rate'
  | 'violation-rate'
  | 'freshness-seconds'
  | 'quarantined-records'
  | 'quarantine-rate';

/** A figure that may not be above `max`; `column` belongs to null-rate alone and must be given there. */
export interface Threshold {
  readonly metric: MetricName;
  readonly column?: string | undefined;
  /** A share from 0 to 1, seconds, or records. */
  readonly max: number;
  readonly action: 'fail' | 'warn';
}

export interface Metric {
  readonly metric: MetricName;
  readonly column?: string | undefined;
  /** A share from 0 to 1, seconds, or records; undefined where there was nothing to measure. */
  readonly value: number | undefined;
}

export interface QualityFinding {
  readonly threshold: Threshold;
  readonly value: number | undefined;
  readonly action: 'fail' | 'warn';
  /** Names and numbers alone. */
  readonly message: string;
}

/** The evidence a run is judged by. */
export interface QualityEvidence {
  readonly tally: QualityTally;
  readonly books: Books;
  /** The end of the run's window, or when the run was committed: what freshness is measured to. */
  readonly asOf: Date;
}

/** Every figure of a run: the null rates of `columns` first, by their order. */
export function measureQuality(evidence: QualityEvidence, columns: readonly string[]): readonly Metric[] {
  const { tally, books, asOf } = evidence;
  const share = (part: number, whole: number) => (whole === 0 ? undefined : part / whole);
  return [
    ...columns.map((column): Metric => {
      const nulls = Object.hasOwn(tally.nulls, column) ? tally.nulls[column] : 0;
      return { metric: 'null-rate', column, value: share(nulls ?? 0, tally.records) };
    }),
    { metric: 'duplicate-rate', value: share(books.duplicates, books.extracted) },
    { metric: 'violation-rate', value: share(tally.violating, tally.records) },
    {
      metric: 'freshness-seconds',
      value: tally.newestAt && Math.max(0, (asOf.getTime() - tally.newestAt.getTime()) / 1000),
    },
    { metric: 'quarantined-records', value: books.quarantined },
    { metric: 'quarantine-rate', value: share(books.quarantined, books.extracted) },
  ];
}

/**
 * The thresholds that a run breaks, in their order. A run without records breaks no rate; a freshness that cannot
 * be measured although there are records breaks its threshold, since nobody knows how old they are.
 */
export function judgeQuality(
  evidence: QualityEvidence,
  thresholds: readonly Threshold[],
): readonly QualityFinding[] {
  return thresholds.flatMap((threshold) => {
    const metrics = measureQuality(evidence, threshold.column === undefined ? [] : [threshold.column]);
    const value = metrics.find(({ metric }) => metric === threshold.metric)?.value;
    const unknownAge =
      threshold.metric === 'freshness-seconds' && value === undefined && evidence.tally.records > 0;
    if (!unknownAge && (value === undefined || value <= threshold.max)) return [];
    const name =
      threshold.column === undefined ? threshold.metric : `${threshold.metric} of ${threshold.column}`;
    const shown = value === undefined ? 'unknown' : Number(value.toPrecision(3));
    const message = `${name} is ${shown}, above ${threshold.max}`;
    return [{ threshold, value, action: threshold.action, message }];
  });
}
