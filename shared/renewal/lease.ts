import { secondsAfter } from '../runtime/clock.ts';
import { Failure } from '../runtime/errors.ts';
import type { RenewalId } from './renewal.ts';

/** The fencing number moved on: another worker owns the renewal, and this one must touch nothing more. */
export const leaseLost = ({ certificateName, generation }: RenewalId): Failure =>
  new Failure({
    code: 'lease-lost',
    disposition: 'retry',
    message: `another worker has taken over generation ${generation} of ${certificateName}`,
  });

/**
 * A rest that ends by then counts as over: the scheduler's clock may be ahead of the worker's, and a refused
 * claim would be sent again only after the resend time.
 */
export const restEndsBy = (now: Date): Date => secondsAfter(now, 5);
