import type { CertificateOutcome } from './outcome.ts';

/**
 * What happened in each run. Every method is one conditional write or one strongly consistent read, so that
 * workers may call it twice, late and out of order. Failures: `store-unavailable`.
 */
export interface RunStore {
  /**
   * Keeps the outcome unless the stored one stands (see `supersedes`). Putting the same outcome again changes
   * nothing and answers `recorded`.
   */
  recordOutcome(outcome: CertificateOutcome): Promise<'recorded' | 'superseded'>;
  /** Every outcome of a run, in the order of certificate names' UTF-8 bytes. */
  listOutcomes(runId: string): Promise<readonly CertificateOutcome[]>;
  /** True for exactly one caller per run and channel, until it is released. */
  claimReport(runId: string, channel: string): Promise<boolean>;
  /** Gives a claim back after a report that reached nobody. Idempotent. */
  releaseReport(runId: string, channel: string): Promise<void>;
}
