import { Failure } from '../runtime/errors.ts';
import type { RenewalId } from './renewal.ts';

/** The fencing number moved on: another worker owns the renewal, and this one must touch nothing more. */
export const leaseLost = ({ certificateName, generation }: RenewalId): Failure =>
  new Failure({
    code: 'lease-lost',
    disposition: 'retry',
    message: `another worker has taken over generation ${generation} of ${certificateName}`,
  });
