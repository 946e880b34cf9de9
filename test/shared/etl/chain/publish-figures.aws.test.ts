import { afterEach, expect, it, vi } from 'vitest';
import { publishFigures } from '../../../../shared/etl/chain/publish-figures.aws.ts';
import { aReport } from '../report/a-report.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('publishes every figure of a run by pipeline, and how it ended once more for the stack, as alarms watch it', () => {
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'certfleet');
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 'certfleet');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  publishFigures({ ...aReport(), status: 'failed' }, 'certfleet-production');
  vi.restoreAllMocks();
  const [ofPipeline, ofStack, ...others] = lines.map((line) => {
    const { _aws, ...values } = JSON.parse(line);
    const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
    return { Namespace, Dimensions, names: Metrics.map(({ Name }: { Name: string }) => Name), values };
  });
  expect(others).toEqual([]);
  expect(ofPipeline).toMatchObject({
    Namespace: 'certfleet',
    Dimensions: [['service', 'stack', 'pipeline']],
    names: expect.arrayContaining(['EtlRunsFailed', 'EtlRecordsLoaded', 'EtlRawVersionsErased']),
    values: { pipeline: 'orders', EtlRunsFailed: 1 },
  });
  expect(ofStack).toMatchObject({
    Dimensions: [['service', 'stack']],
    names: ['EtlRunsSucceeded', 'EtlRunsFailed', 'EtlRunsHeld'],
    values: { service: 'certfleet', stack: 'certfleet-production', EtlRunsFailed: 1, EtlRunsHeld: 0 },
  });
});
