import * as z from 'zod';
import { scheduleRenewals as scheduleRenewalsEvent } from '../../events/schedule-renewals.ts';
import { planRenewals } from '../../shared/renewal/plan-renewals.ts';
import { scheduleRenewals } from '../../shared/renewal/schedule.ts';
import { createAwsSchedulePorts } from '../../shared/renewal/schedule-ports.aws.ts';
import { runIdOf } from '../../shared/report/run-id.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';

const { TICK_SECONDS: tickSeconds, LIMIT_PER_SHARD: limitPerShard } = parseConfig(
  z.object({
    TICK_SECONDS: z.coerce.number().positive().default(60),
    LIMIT_PER_SHARD: z.coerce.number().int().positive().default(200),
  }),
  process.env,
);
const ports = createAwsSchedulePorts(process.env);

export const handler = createHandler({
  event: scheduleRenewalsEvent,
  async run({ runId: given, dryRun, dueWithinHours, trigger: _, ...selection }, { deadline }) {
    if (dryRun) return planRenewals({ tickSeconds, dueWithinHours, selection }, ports);
    const runId = given ?? runIdOf(ports.clock.now());
    const { remainingMillis } = deadline;
    const options = { runId, tickSeconds, limitPerShard, selection, remainingMillis };
    const { opened, resumed, ...counts } = await scheduleRenewals(options, ports);
    logger.info('renewals scheduled', { runId, opened: opened.length, resumed: resumed.length, ...counts });
    return { runId, opened, resumed, ...counts };
  },
});
