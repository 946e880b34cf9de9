import type { Pipeline } from '../definition/pipeline-schema.ts';
import type { RunScope } from '../run/scope.ts';
import type { MetricName, Threshold } from './quality.ts';

/**
 * What a definition holds its runs to: `quality`, then `quarantine`. A replay is of records that were set aside
 * before, so its shares say nothing of the pipeline: there every threshold warns and none fails.
 */
export function thresholdsOf(
  pipeline: Pick<Pipeline, 'quality' | 'quarantine'>,
  scope: RunScope['kind'] = 'window',
): readonly Threshold[] {
  const { nullRate = {}, duplicateRate, schemaViolationRate, freshness } = pipeline.quality;
  const thresholds = [
    ...Object.entries(nullRate).flatMap(([column, limits]) =>
      bounds({ metric: 'null-rate', column }, limits),
    ),
    ...bounds({ metric: 'duplicate-rate' }, duplicateRate),
    ...bounds({ metric: 'violation-rate' }, schemaViolationRate),
    ...bounds(
      { metric: 'freshness-seconds' },
      { warn: freshness?.warnSeconds, fail: freshness?.failSeconds },
    ),
    quarantineThreshold(pipeline.quarantine),
  ];
  return scope === 'replay' ? thresholds.map((each) => ({ ...each, action: 'warn' })) : thresholds;
}

function bounds(
  of: { readonly metric: MetricName; readonly column?: string },
  { warn, fail }: { readonly warn?: number | undefined; readonly fail?: number | undefined } = {},
): readonly Threshold[] {
  return [
    ...(warn === undefined ? [] : [{ ...of, max: warn, action: 'warn' as const }]),
    ...(fail === undefined ? [] : [{ ...of, max: fail, action: 'fail' as const }]),
  ];
}

function quarantineThreshold(policy: Pipeline['quarantine']): Threshold {
  switch (policy.failOn) {
    case 'first':
      return { metric: 'quarantined-records', max: 0, action: 'fail' };
    case 'count':
      return { metric: 'quarantined-records', max: policy.maxCount, action: 'fail' };
    case 'percent':
      return { metric: 'quarantine-rate', max: policy.maxPercent / 100, action: 'fail' };
    case 'never':
      return { metric: 'quarantined-records', max: 0, action: 'warn' };
  }
}
