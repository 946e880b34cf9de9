import * as z from 'zod';

/** The body of every message on the renew, deploy and verify queues: a pointer, never data. */
export const renewalWork = z.strictObject({
  certificateName: z.string().min(1).max(253),
  generation: z.int().positive(),
  runId: z.string().min(1).max(64),
});
