import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { z } from 'zod';
import { createBatchHandler } from '../runtime/batch-handler.ts';
import { logger, metrics } from '../runtime/logger.ts';
import { type RefreshPorts, type RefreshResult, refreshRenewalInfo } from './refresh-renewal-info.ts';

interface RefreshMessage {
  readonly certificateNames: readonly string[];
  readonly runId?: string | undefined;
}

/** The Lambda handler of refresh-renewal-info: every message is some certificates to ask their CAs about. */
export const createRefreshHandler = (definition: {
  message: z.ZodType<RefreshMessage>;
  ports: RefreshPorts;
}) =>
  createBatchHandler({
    message: definition.message,
    async run({ certificateNames, runId }, { deadline }) {
      report(await refreshRenewalInfo(certificateNames, definition.ports, deadline.signal), runId);
    },
  });

function report(
  { refreshed, moved, explained, failed, unreached }: RefreshResult,
  runId: string | undefined,
) {
  logger.info('renewal information refreshed', {
    runId,
    refreshed: refreshed.length,
    moved,
    failed: failed.length,
    unreached: unreached.length,
  });
  for (const { name, explanationUrl } of explained) {
    logger.info('the CA explains its renewal window', { certificateName: name, runId, explanationUrl });
  }
  for (const { name, failure } of failed) {
    const { code, disposition, message } = failure;
    logger.warn('renewal information was not to be had', {
      certificateName: name,
      runId,
      code,
      disposition,
      problem: message,
    });
  }
  metrics.addMetric('RenewalInfoRefreshed', MetricUnit.Count, refreshed.length);
  if (moved.length > 0) metrics.addMetric('RenewalWindowsMoved', MetricUnit.Count, moved.length);
  if (failed.length > 0) metrics.addMetric('RenewalInfoFailed', MetricUnit.Count, failed.length);
}
