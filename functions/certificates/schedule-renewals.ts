import * as z from 'zod';
import { scheduleRenewals as scheduleRenewalsEvent } from '../../events/schedule-renewals.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import { createDynamoDbRenewalStore } from '../../shared/renewal/store.dynamodb.ts';
import { createSqs, createSqsWorkQueue } from '../../shared/renewal/work-queue.sqs.ts';
import { runIdOf } from '../../shared/report/run-id.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';

const config = parseConfig(
  z.object({
    CERTIFICATES_TABLE: z.string(),
    RENEWALS_TABLE: z.string(),
    RENEW_QUEUE: z.string(),
    DEPLOY_QUEUE: z.string(),
    VERIFY_QUEUE: z.string(),
    TICK_SECONDS: z.coerce.number().positive().default(60),
    LIMIT_PER_SHARD: z.coerce.number().int().positive().default(200),
  }),
  process.env,
);
const dynamoDb = createDynamoDb();
const ports = {
  certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
  renewals: createDynamoDbRenewalStore(dynamoDb, config.RENEWALS_TABLE),
  queue: createSqsWorkQueue(createSqs(), {
    'renew-certificate': config.RENEW_QUEUE,
    'deploy-certificate': config.DEPLOY_QUEUE,
    'verify-certificate': config.VERIFY_QUEUE,
  }),
  clock: systemClock,
};

export const handler = createHandler({
  event: scheduleRenewalsEvent,
  async run({ runId = runIdOf(systemClock.now()) }) {
    const { TICK_SECONDS: tickSeconds, LIMIT_PER_SHARD: limitPerShard } = config;
    const result = await scheduleRenewals({ runId, tickSeconds, limitPerShard }, ports);
    const { opened, resumed, more } = result;
    logger.info('renewals scheduled', { runId, opened: opened.length, resumed: resumed.length, more });
    return { runId, ...result };
  },
});
