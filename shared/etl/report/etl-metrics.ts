import { type EtlReport, loadedOf } from './etl-report.ts';

export interface EtlMetric {
  readonly name: string;
  /** CloudWatch's word for it. */
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds' | 'Percent';
  readonly value: number;
}

/** What CloudWatch keeps of a run, under the dimension of its pipeline; a rate of nothing is not a figure. */
export function etlMetrics(report: EtlReport): {
  readonly dimensions: { readonly pipeline: string };
  readonly metrics: readonly EtlMetric[];
} {
  const { pipeline, status, books, errors, durationMs, quality, connections, rawDeleted } = report;
  const count = (name: string, value: number): EtlMetric => ({ name, unit: 'Count', value });
  const percent = (name: string, metric: string): EtlMetric[] => {
    const value = quality.metrics.find((each) => each.metric === metric)?.value;
    return value === undefined ? [] : [{ name, unit: 'Percent', value: value * 100 }];
  };
  const age = quality.metrics.find(({ metric }) => metric === 'freshness-seconds')?.value;
  const judged = (action: 'fail' | 'warn') =>
    quality.findings.filter((each) => each.action === action).length;
  return {
    dimensions: { pipeline },
    metrics: [
      count('EtlRunsSucceeded', Number(status === 'succeeded')),
      count('EtlRunsFailed', Number(status === 'failed')),
      count('EtlRunsHeld', Number(status === 'held')),
      { name: 'EtlDuration', unit: 'Milliseconds', value: durationMs },
      count('EtlRecordsExtracted', books.extracted),
      count('EtlRecordsTransformed', books.staged),
      count('EtlRecordsLoaded', loadedOf(report)),
      count('EtlRecordsFiltered', books.filtered),
      count('EtlRecordsQuarantined', books.quarantined),
      count('EtlDuplicates', books.duplicates),
      count('EtlErrors', errors.length),
      ...percent('EtlDuplicateRate', 'duplicate-rate'),
      ...percent('EtlSchemaViolationRate', 'violation-rate'),
      ...percent('EtlQuarantineRate', 'quarantine-rate'),
      ...(age === undefined ? [] : [{ name: 'EtlFreshness', unit: 'Seconds' as const, value: age }]),
      count('EtlQualityFailures', judged('fail')),
      count('EtlQualityWarnings', judged('warn')),
      count('EtlUnverifiedConnections', connections.filter(({ verified }) => !verified).length),
      count('EtlRawVersionsErased', rawDeleted),
    ],
  };
}
