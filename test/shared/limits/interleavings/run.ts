import { interleaveOrders, type Tally } from './orders.ts';
import { interleaveRequests } from './requests.ts';

export const bucketTypes = ['orders', 'domain', 'set', 'failures', 'requests'] as const;
export type BucketType = (typeof bucketTypes)[number];

/** Runs `count` interleavings from `seed` on, each of which can be replayed by its own seed. */
export async function runInterleavings(
  type: BucketType,
  { seed, count }: { seed: number; count: number },
): Promise<Tally> {
  const tally: Tally = { counted: 0, denied: 0, crashes: 0, overIssued: 0, emptied: 0 };
  for (let run = seed; run < seed + count; run++)
    await (type === 'requests' ? interleaveRequests(run, tally) : interleaveOrders(type, run, tally));
  return tally;
}
