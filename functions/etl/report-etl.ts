import * as z from 'zod';
import { reportEtl } from '../../events/report-etl.ts';
import { createDynamoDbAuditLog } from '../../shared/audit/log.dynamodb.ts';
import { createKmsSigner } from '../../shared/audit/signer.kms.ts';
import { accountOf, createAwsChain, workerOf } from '../../shared/etl/chain/chain.aws.ts';
import { expireOld } from '../../shared/etl/chain/expire-old.ts';
import { finishRun } from '../../shared/etl/chain/finish-run.ts';
import { createTeller } from '../../shared/etl/chain/tell.aws.ts';
import { whyNotReported } from '../../shared/etl/chain/why-not-reported.ts';
import { etlSummary } from '../../shared/etl/report/etl-summary.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { shareSuccess } from '../../shared/runtime/share-success.ts';

const config = parseConfig(
  z.object({
    AUDIT_TABLE: z.string(),
    RUNS_TABLE: z.string(),
    REPORT_TOPIC: z.string(),
    SECRETS_PREFIX: z.string(),
    ETL_FUNCTIONS: z.string(),
    ETL_AUDIT_KEY: z.string(),
    ETL_RECORD_LOCK_DAYS: z.coerce.number().int().min(0).max(36_500).default(0),
  }),
  process.env,
);
const openChain = shareSuccess(async (account: string) => {
  const chain = createAwsChain(process.env, { account });
  return {
    ...chain.ports,
    audit: createDynamoDbAuditLog(chain.dynamoDb, config.AUDIT_TABLE),
    signer: shareSuccess(() => createKmsSigner(chain.kms, config.ETL_AUDIT_KEY)),
    lockDays: config.ETL_RECORD_LOCK_DAYS,
    tellOf: createTeller(chain, config),
  };
});

export const handler = createHandler({
  event: reportEtl,
  unclassified: 'by-name',
  about: (event) => event,
  async run(event, invocation, context) {
    const { tellOf, ...ports } = await openChain(accountOf(context));
    if ('expire' in event) {
      const { pipeline, expire: configHash } = event;
      const expired = await expireOld(ports, workerOf(invocation), { pipeline, configHash });
      if (expired) logger.info('retention seen to', { pipeline, expired });
      return expired ? { expired } : { result: 'seen-to-this-hour' };
    }
    const tell = tellOf(invocation.deadline.signal);
    const report = await finishRun({ ...ports, tell }, workerOf(invocation), event);
    if (report) return { summary: etlSummary(report) };
    const { pipeline, scopeKey } = event;
    const reason = await whyNotReported(ports.ledger, event);
    logger.info('nothing to report', { pipeline, scopeKey, ...reason });
    return reason;
  },
});
