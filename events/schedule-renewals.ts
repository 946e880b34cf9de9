import * as z from 'zod';

/** Starts schedule-renewals; without `runId`, what it sends belongs to the run of the day (UTC). */
export const scheduleRenewals = z.looseObject({
  runId: z.string().min(1).max(64).optional(),
});
