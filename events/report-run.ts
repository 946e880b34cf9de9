import * as z from 'zod';

/** Starts report-run; without `runId`, yesterday's run (UTC) is reported. */
export const reportRun = z.looseObject({
  runId: z.string().min(1).max(64).optional(),
  /** ISO 8601; when the run began, where its id is not a day. */
  startedAt: z.iso.datetime().optional(),
});
