import type * as z from 'zod';
import type { Environment } from '../../runtime/config.ts';
import { createHandler } from '../../runtime/handler.ts';
import { logger } from '../../runtime/logger.ts';
import { shareSuccess } from '../../runtime/share-success.ts';
import type { ChunkRef } from '../ledger/chunk.ts';
import type { Stage } from '../ledger/run.ts';
import { carry } from './carry.ts';
import { accountOf, createAwsChain, workerOf } from './chain.aws.ts';
import { tellFailedChunk } from './tell-failed-chunk.ts';

/** What extract-records, transform-records and load-records do: a chunk's stage, and the start of the next. */
export function createCarryHandler<Event extends z.ZodType<ChunkRef>>(
  stage: Stage,
  event: Event,
  env: Environment,
) {
  const openChain = shareSuccess(async (account: string) => createAwsChain(env, { account }));
  return createHandler({
    event,
    unclassified: 'by-name',
    about: ({ pipeline, runId, chunkId }) => ({ pipeline, runId, chunkId }),
    async run(ref, invocation, context) {
      const { ports } = await openChain(accountOf(context));
      const telling = { ...ports, onFailure: tellFailedChunk(logger) };
      const outcome = await carry(telling, { ...workerOf(invocation), stage }, ref);
      const { pipeline, runId, chunkId } = ref;
      logger.info('chunk carried', { pipeline, runId, chunkId, outcome });
      return outcome;
    },
  });
}
