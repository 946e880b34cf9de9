import * as z from 'zod';

const pipeline = z.string().min(1).max(64);

/**
 * Starts report-etl:
 * - `{"pipeline": "orders", "scopeKey": …}`: finishes the one run of a pipeline about a scope, and tells people;
 * - `{"pipeline": "orders", "expire": …}`: erases what the retention of that definition, named by its digest, no
 *   longer allows.
 */
export const reportEtl = z.union([
  z.object({ pipeline, scopeKey: z.string().min(1).max(256) }),
  z.strictObject({ pipeline, expire: z.string().regex(/^[0-9a-f]{64}$/) }),
]);
