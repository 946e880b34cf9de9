import { asFailure, Failure } from '../../runtime/errors.ts';
import type { Worker } from './ports.ts';

/** What ended a piece of work: that its time was up, whatever a library has made of it. */
export function failureOf(error: unknown, { deadline }: Pick<Worker, 'deadline'>): Failure {
  if (error instanceof Failure || !deadline.signal.aborted) return asFailure(error);
  return asFailure(deadline.signal.reason);
}
