import * as z from 'zod';
import { scheduleRenewals as scheduleRenewalsEvent } from '../../events/schedule-renewals.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { readAwsLimits } from '../../shared/renewal/limits.aws.ts';
import { planRenewals } from '../../shared/renewal/plan-renewals.ts';
import { readPreferredAuthorities } from '../../shared/renewal/preferred-authorities.ts';
import { createSqsRefreshQueue } from '../../shared/renewal/refresh-queue.sqs.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import { createDynamoDbRenewalStore } from '../../shared/renewal/store.dynamodb.ts';
import { createSqs, createSqsWorkQueue } from '../../shared/renewal/work-queue.sqs.ts';
import { runIdOf } from '../../shared/report/run-id.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
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
    REFRESH_QUEUE: z.string(),
    TICK_SECONDS: z.coerce.number().positive().default(60),
    LIMIT_PER_SHARD: z.coerce.number().int().positive().default(200),
  }),
  process.env,
);
const dynamoDb = createDynamoDb();
const sqs = createSqs();
const { buckets, limitsFor } = readAwsLimits(process.env, dynamoDb);
const ports = {
  certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
  renewals: createDynamoDbRenewalStore(dynamoDb, config.RENEWALS_TABLE),
  queue: createSqsWorkQueue(sqs, {
    'renew-certificate': config.RENEW_QUEUE,
    'deploy-certificate': config.DEPLOY_QUEUE,
    'verify-certificate': config.VERIFY_QUEUE,
  }),
  refreshQueue: createSqsRefreshQueue(sqs, config.REFRESH_QUEUE),
  buckets,
  limitsFor,
  preferred: readPreferredAuthorities(process.env),
  clock,
};

export const handler = createHandler({
  event: scheduleRenewalsEvent,
  async run({ runId = runIdOf(clock.now()), dryRun, dueWithinHours, trigger: _, ...selection }, call) {
    const { TICK_SECONDS: tickSeconds, LIMIT_PER_SHARD: limitPerShard } = config;
    if (dryRun) return planRenewals({ tickSeconds, dueWithinHours, selection }, ports);
    const { remainingMillis } = call.deadline;
    const options = { runId, tickSeconds, limitPerShard, selection, remainingMillis };
    const { opened, resumed, ...counts } = await scheduleRenewals(options, ports);
    logger.info('renewals scheduled', { runId, opened: opened.length, resumed: resumed.length, ...counts });
    return { runId, opened, resumed, ...counts };
  },
});
