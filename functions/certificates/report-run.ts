import * as z from 'zod';
import { reportRun as reportRunEvent } from '../../events/report-run.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { createAwsChannels, createSns } from '../../shared/report/channels.aws.ts';
import { reportRun } from '../../shared/report/report-run.ts';
import { describeResult, throwUnreported } from '../../shared/report/report-to-all.ts';
import { previousRun } from '../../shared/report/run-id.ts';
import { createDynamoDbRunStore } from '../../shared/report/runs.dynamodb.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';
import { shareSuccess } from '../../shared/runtime/share-success.ts';

const config = parseConfig(
  z.object({
    CERTIFICATES_TABLE: z.string(),
    RUNS_TABLE: z.string(),
    REPORT_TOPIC: z.string(),
    SECRETS_PREFIX: z.string(),
  }),
  process.env,
);
const dynamoDb = createDynamoDb();
const certificates = createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE);
const runs = createDynamoDbRunStore(dynamoDb, config.RUNS_TABLE);
const findChannels = shareSuccess(() =>
  createAwsChannels({
    sns: createSns(),
    topicName: config.REPORT_TOPIC,
    secrets: createSecretStore(createSecretsManager()),
    secretsPrefix: config.SECRETS_PREFIX,
  }),
);

export const handler = createHandler({
  event: reportRunEvent,
  async run({ runId, startedAt }, { deadline }) {
    const run = runId
      ? { runId, startedAt: startedAt ? new Date(startedAt) : clock.now() }
      : previousRun(clock.now());
    const channels = await findChannels();
    const { summary, results } = await reportRun(run, {
      certificates,
      runs,
      channels,
      clock,
      signal: deadline.signal,
    });
    for (const result of results)
      logger.info('run reported', { runId: run.runId, ...describeResult(result) });
    // Lambda then runs it again, which reaches the channels that missed it and no other.
    throwUnreported(results);
    return { summary, channels: results };
  },
});
