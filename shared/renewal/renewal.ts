import type { CertificatePolicy, IssuedCertificate } from '../certificates/certificate.ts';
import type { DueReason } from '../certificates/due.ts';
import type { PresentedChallenge } from '../challenges/challenge.ts';

/** The order of a renewal's steps; each name is the step to perform next. */
export const stepNames = [
  'stage-key',
  'place-order',
  'select-challenges',
  'present-challenges',
  'answer-challenges',
  'await-validation',
  'finalize-order',
  'collect-certificate',
  'record-certificate',
  'withdraw-challenges',
  'deploy',
  'verify',
] as const;
export type StepName = (typeof stepNames)[number];

/** One renewal per certificate and generation. */
export interface RenewalId {
  readonly certificateName: string;
  readonly generation: number;
}

/** A challenge whose proof is, or may be, on show until it is withdrawn. */
export interface OpenChallenge extends PresentedChallenge {
  /** The order it was selected for; one of an earlier order only waits to be withdrawn. */
  readonly orderUrl: string;
  readonly challengeUrl: string;
}

export interface RenewalOrder {
  readonly url: string;
  /** Whose order it is; another account, or another CA, cannot go on with it. */
  readonly accountUrl: string;
  readonly finalizeUrl: string;
  readonly authorizationUrls: readonly string[];
}

export interface RenewalProblem {
  readonly code: string;
  readonly message: string;
  readonly at: Date;
  readonly step: StepName;
}

/** How a renewal ended: `superseded` by a newer generation, `abandoned` because what it was for changed. */
export type RenewalOutcome = 'renewed' | 'superseded' | 'abandoned';

/** Everything a worker needs to go on where another one stopped. */
export interface Renewal extends RenewalId {
  readonly reason: DueReason;
  /** Names and key type as the renewal was opened with; the rest follows the certificate's policy at each claim. */
  readonly policy: CertificatePolicy;
  readonly step: StepName;
  readonly order?: RenewalOrder | undefined;
  readonly challenges: readonly OpenChallenge[];
  readonly issued?: IssuedCertificate | undefined;
  /** Descriptions of the targets that hold the pair. */
  readonly deployedTo: readonly string[];
  readonly verifiedAt: readonly string[];
  readonly warnings: readonly string[];
  /** Failed attempts since the certificate was issued, or since the renewal was opened. */
  readonly attempts: number;
  readonly lastProblem?: RenewalProblem | undefined;
  readonly openedAt: Date;
  /** When the step was first begun; a step may take long, and not for ever. */
  readonly stepStartedAt?: Date | undefined;
  /** When the scheduler sends it again; absent once it ended. */
  readonly nextActionAt?: Date | undefined;
  /** No worker takes it up before this instant, however often it is sent: a backoff, or a CA's Retry-After. */
  readonly restsUntil?: Date | undefined;
  readonly outcome?: RenewalOutcome | undefined;
}

export interface Lease {
  readonly owner: string;
  readonly until: Date;
  /** Grows with every claim; a write that carries an older one is refused. */
  readonly fence: number;
}

/** A renewal this worker alone may write until the lease ends. */
export interface LeasedRenewal extends Renewal {
  readonly lease: Lease;
}

export const renewalKey = ({ certificateName, generation }: RenewalId): string =>
  `${certificateName}#${generation}`;

/** A renewal before its first step. */
export const beginRenewal = (
  id: RenewalId,
  { now, ...given }: Pick<Renewal, 'reason' | 'policy' | 'nextActionAt'> & { readonly now: Date },
): Renewal => ({
  ...id,
  ...given,
  step: 'stage-key',
  challenges: [],
  deployedTo: [],
  verifiedAt: [],
  warnings: [],
  attempts: 0,
  openedAt: now,
});
