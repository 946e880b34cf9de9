import * as z from 'zod';
import { createDynamoDbCertificateStore } from '../certificates/store.dynamodb.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { createDynamoDb } from '../runtime/dynamodb.ts';
import { createSqs } from '../runtime/sqs.ts';
import { readAwsLimits } from './limits.aws.ts';
import { readPreferredAuthorities } from './preferred-authorities.ts';
import { createSqsRefreshQueue } from './refresh-queue.sqs.ts';
import type { SchedulePorts } from './schedule-ports.ts';
import { createDynamoDbRenewalStore } from './store.dynamodb.ts';
import { createSqsWorkQueue } from './work-queue.sqs.ts';

const settings = z.object({
  CERTIFICATES_TABLE: z.string(),
  RENEWALS_TABLE: z.string(),
  RENEW_QUEUE: z.string(),
  DEPLOY_QUEUE: z.string(),
  VERIFY_QUEUE: z.string(),
  REFRESH_QUEUE: z.string(),
});

/**
 * What schedule-renewals stands on, from the environment serverless.yml gives it.
 * @throws Failure `invalid-configuration`, `unknown-authority`
 */
export function createAwsSchedulePorts(env: Environment): SchedulePorts {
  const config = parseConfig(settings, env);
  const dynamoDb = createDynamoDb();
  const sqs = createSqs();
  return {
    ...readAwsLimits(env, dynamoDb),
    preferred: readPreferredAuthorities(env),
    certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
    renewals: createDynamoDbRenewalStore(dynamoDb, config.RENEWALS_TABLE),
    queue: createSqsWorkQueue(sqs, {
      'renew-certificate': config.RENEW_QUEUE,
      'deploy-certificate': config.DEPLOY_QUEUE,
      'verify-certificate': config.VERIFY_QUEUE,
    }),
    refreshQueue: createSqsRefreshQueue(sqs, config.REFRESH_QUEUE),
    clock,
  };
}
