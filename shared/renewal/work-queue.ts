import type { RenewalId } from './renewal.ts';
import type { Worker } from './transitions.ts';

export interface RenewalWork extends RenewalId {
  /** The run that hears of the outcome: the one that sent this work, not the one that opened the renewal. */
  readonly runId: string;
}

/**
 * Hands renewals to workers, at least once and in no order. A message lost is no renewal lost: the due index
 * sends it again. Failures: `queue-unavailable`, after which any part may have been sent.
 */
export interface WorkQueue {
  send(worker: Worker, work: readonly RenewalWork[]): Promise<void>;
}
