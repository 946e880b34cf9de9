import * as z from 'zod';
import { createDynamoDbCertificateStore } from '../certificates/store.dynamodb.ts';
import { createDynamoDbRunStore } from '../report/runs.dynamodb.ts';
import { systemClock } from '../runtime/clock.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { createDynamoDb } from '../runtime/dynamodb.ts';
import { systemRandom } from '../runtime/random.ts';
import { createSqs } from '../runtime/sqs.ts';
import { createDynamoDbRenewalStore } from './store.dynamodb.ts';
import { createSqsWorkQueue } from './work-queue.sqs.ts';
import type { RunnerPorts } from './worker.ts';

const settings = z.object({
  CERTIFICATES_TABLE: z.string(),
  RENEWALS_TABLE: z.string(),
  RUNS_TABLE: z.string(),
  DEPLOY_QUEUE: z.string().optional(),
  VERIFY_QUEUE: z.string().optional(),
});

/**
 * What every worker stands on, from the environment serverless.yml gives it; a queue is named only where the
 * worker hands on to it.
 * @throws Failure `invalid-configuration`
 */
export function createAwsRunnerPorts(env: Environment, dynamoDb = createDynamoDb()): RunnerPorts {
  const config = parseConfig(settings, env);
  return {
    certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
    renewals: createDynamoDbRenewalStore(dynamoDb, config.RENEWALS_TABLE),
    runs: createDynamoDbRunStore(dynamoDb, config.RUNS_TABLE),
    queue: createSqsWorkQueue(createSqs(), {
      ...(config.DEPLOY_QUEUE && { 'deploy-certificate': config.DEPLOY_QUEUE }),
      ...(config.VERIFY_QUEUE && { 'verify-certificate': config.VERIFY_QUEUE }),
    }),
    clock: systemClock,
    random: systemRandom,
  };
}
