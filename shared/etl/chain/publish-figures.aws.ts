import { Metrics } from '@aws-lambda-powertools/metrics';
import { type EtlMetric, etlMetrics } from '../report/etl-metrics.ts';
import type { EtlReport } from '../report/etl-report.ts';

/**
 * A run's figures by pipeline, and how it ended once more for the stack: an alarm watches one metric, not all that
 * share a name.
 */
export function publishFigures(report: EtlReport, stack: string): void {
  const { dimensions, metrics: figures } = etlMetrics(report);
  publish({ stack, ...dimensions }, figures);
  const ends = figures.filter(({ name }) => name.startsWith('EtlRuns'));
  publish({ stack }, ends);
}

/** Instances of their own: one that is shared loses its dimensions with the first figures that are published. */
function publish(dimensions: Record<string, string>, figures: readonly EtlMetric[]): void {
  const metrics = new Metrics();
  metrics.addDimensions(dimensions);
  for (const { name, unit, value } of figures) metrics.addMetric(name, unit, value);
  metrics.publishStoredMetrics();
}
