import * as z from 'zod';

/** Starts manage-account. Closed: a deactivated account does not come back. */
export const manageAccount = z.strictObject({
  action: z.enum(['roll-over-key', 'deactivate']),
  /** Whose account, by catalogue id or directory URL; the deployment's first choice when absent. */
  ca: z.string().min(1).optional(),
});
