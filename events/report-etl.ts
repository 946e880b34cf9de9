import * as z from 'zod';

/** Starts report-etl: a pointer to the one run of a pipeline about a scope. */
export const reportEtl = z.looseObject({
  pipeline: z.string().min(1).max(64),
  scopeKey: z.string().min(1).max(256),
});
