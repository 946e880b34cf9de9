import * as z from 'zod';

/** Starts collect-inventory; without `source`, INVENTORY_URI is read. */
export const collectInventory = z.looseObject({
  /** `s3://bucket/key`, `file:///path`, or a path. */
  source: z.string().min(1).optional(),
  /** A person means it: more than half of the fleet may be retired in this collection. */
  confirmRetirements: z.boolean().default(false),
});
