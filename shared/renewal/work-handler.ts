import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { z } from 'zod';
import { createBatchHandler } from '../runtime/batch-handler.ts';
import { logger, metrics } from '../runtime/logger.ts';
import { runRenewal } from './run-renewal.ts';
import type { RenewalWork } from './work-queue.ts';
import type { RunnerPorts, RunResult, WorkerSteps } from './worker.ts';

/** The Lambda handler of one worker: every message is one renewal, carried as far as the worker's steps go. */
export function createWorkHandler(definition: {
  message: z.ZodType<RenewalWork>;
  ports: RunnerPorts;
  /** Called once per renewal, so that steps may remember things for each other. */
  createSteps: () => WorkerSteps;
}) {
  const { message, ports, createSteps } = definition;
  return createBatchHandler({
    message,
    async run(work, { id, deadline }) {
      const owner = `${id}/${Math.floor(ports.random() * 2 ** 48).toString(36)}`;
      const result = await runRenewal({ work, owner, deadline, ports, ...createSteps() });
      report(work, result);
    },
  });
}

function report({ certificateName, generation, runId }: RenewalWork, result: RunResult): void {
  const about = { certificateName, generation, runId, result: result.kind };
  switch (result.kind) {
    case 'failed': {
      const { code, disposition, message } = result.failure;
      logger.warn('renewal failed', {
        ...about,
        code,
        disposition,
        problem: message,
        retryAt: result.retryAt,
      });
      metrics.addMetric('RenewalsFailed', MetricUnit.Count, 1);
      return;
    }
    case 'ended':
      logger.info('renewal ended', { ...about, outcome: result.outcome });
      if (result.outcome === 'renewed') metrics.addMetric('CertificatesRenewed', MetricUnit.Count, 1);
      return;
    case 'waiting':
      logger.info('renewal waits', { ...about, until: result.until, reason: result.reason });
      return;
    default:
      logger.debug('renewal passed on', about);
  }
}
