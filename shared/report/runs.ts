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
  /**
   * True for one caller per run and channel, until it is confirmed or released. A claim neither confirmed nor
   * released within its time, because its holder died, may be claimed again: better told twice than never.
   */
  claimReport(report: ReportClaim): Promise<boolean>;
  /** The channel has taken the report; nobody claims it again. */
  confirmReport(report: Pick<ReportClaim, 'runId' | 'channel'>): Promise<void>;
  /** Gives a claim back after a report that reached nobody. Idempotent. */
  releaseReport(report: Pick<ReportClaim, 'runId' | 'channel'>): Promise<void>;
}

export interface ReportClaim {
  readonly runId: string;
  readonly channel: string;
  readonly now: Date;
}

/** Longer than any function that reports may run. */
export const claimSeconds = 900;
