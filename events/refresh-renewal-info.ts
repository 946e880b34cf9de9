import * as z from 'zod';

/** The body of every message on the refresh queue: certificates whose CAs are asked when to renew them. */
export const refreshRenewalInfo = z.strictObject({
  certificateNames: z.array(z.string().min(1).max(253)).min(1).max(50),
  runId: z.string().min(1).max(64).optional(),
});
