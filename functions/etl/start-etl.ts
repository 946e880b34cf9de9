import * as z from 'zod';
import { startEtl } from '../../events/start-etl.ts';
import { createS3Catalogue } from '../../shared/etl/chain/catalogue.s3.ts';
import { accountOf, createAwsChain, workerOf } from '../../shared/etl/chain/chain.aws.ts';
import {
  rehearseRuns,
  requestReplay,
  requestRuns,
  validateDefinition,
} from '../../shared/etl/chain/request-runs.ts';
import { tick } from '../../shared/etl/chain/tick.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { shareSuccess } from '../../shared/runtime/share-success.ts';

const config = parseConfig(z.object({ ETL_CATALOGUE_BUCKET: z.string() }), process.env);
const openChain = shareSuccess(async (account: string) => {
  const { ports, s3, bucketName } = createAwsChain(process.env, { account });
  return { ...ports, catalogue: createS3Catalogue(s3, bucketName(config.ETL_CATALOGUE_BUCKET)) };
});

export const handler = createHandler({
  event: startEtl,
  unclassified: 'by-name',
  about: (event) => ('pipeline' in event ? { pipeline: event.pipeline } : {}),
  async run(event, invocation, context): Promise<unknown> {
    if ('validate' in event) return validateDefinition(event.validate);
    const ports = await openChain(accountOf(context));
    const worker = workerOf(invocation);
    if ('trigger' in event) {
      const results = await tick(ports, worker);
      for (const result of results) {
        if (result.problems.length > 0) logger.error('pipeline ticked', { ...result });
        else if (result.opened + result.sent > 0) logger.info('pipeline ticked', { ...result });
      }
      return results;
    }
    const { pipeline } = event;
    const answer =
      'replay' in event
        ? await requestReplay(ports, worker, { pipeline, window: event.replay.window })
        : event.dryRun
          ? await rehearseRuns(ports, worker, event)
          : await requestRuns(ports, worker, event);
    logger.info('runs requested', { pipeline, answer });
    return answer;
  },
});
