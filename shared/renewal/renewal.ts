import type { CertificatePolicy, IssuedCertificate } from '../certificates/certificate.ts';
import type { DueReason } from '../certificates/due.ts';
import type { PresentedChallenge } from '../challenges/challenge.ts';
import type { Demand } from '../limits/demand.ts';

/** The order of a renewal's steps; each name is the step to perform next. */
export const stepNames = [
  'choose-ca',
  'stage-key',
  'reserve-limits',
  'place-order',
  'select-challenges',
  'present-challenges',
  'await-propagation',
  'answer-challenges',
  'await-validation',
  'finalize-order',
  'await-issuance',
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

/** Where the renewal is being issued. */
export interface ChosenCa {
  readonly directoryUrl: string;
  /** Why it is not the first choice. */
  readonly reason?: string | undefined;
  /** Only validation is tried here, at the first choice's staging CA; nothing is finalized. */
  readonly rehearsal: boolean;
}

/** A CA that this renewal does not ask before `until`. */
export interface PassedOver {
  readonly directoryUrl: string;
  readonly reason: string;
  readonly until: Date;
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
  readonly ca?: ChosenCa | undefined;
  readonly passedOver: readonly PassedOver[];
  /** Validation failed at a CA that has a staging one: the next attempt goes there first. */
  readonly rehearse: boolean;
  /** ARI identifier of the certificate the order replaces (RFC 9773, 5). */
  readonly replaces?: string | undefined;
  /** The problem type with which the CA refused `replaces`; it is not sent again. */
  readonly replacesRefused?: string | undefined;
  /** Under which exemption the CA's rate limits are reserved; absent while nothing is. */
  readonly reservedAs?: Demand['exemption'] | undefined;
  readonly order?: RenewalOrder | undefined;
  readonly challenges: readonly OpenChallenge[];
  readonly issued?: IssuedCertificate | undefined;
  /** Descriptions of the targets that hold the pair. */
  readonly deployedTo: readonly string[];
  readonly verifiedAt: readonly string[];
  readonly warnings: readonly string[];
  /** How often each name has failed validation in this renewal. */
  readonly failedNames: Readonly<Record<string, number>>;
  /** Names of the policy that are not ordered, because they keep failing. */
  readonly leftOut: readonly string[];
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
  /** Since when it has kept failing: it is tried once a day, after everything that works. */
  readonly quarantinedAt?: Date | undefined;
  /** Since when the CA has paused its names: nobody takes it up until a person wakes it. */
  readonly pausedAt?: Date | undefined;
  readonly outcome?: RenewalOutcome | undefined;
}

export interface Lease {
  readonly owner: string;
  readonly until: Date;
  /** Grows with every claim; a write that carries an older one is refused. */
  readonly fence: number;
  /** The worker before did not release it: how far it came beyond the stored step is unknown. */
  readonly takenOver: boolean;
}

/** A renewal this worker alone may write until the lease ends. */
export interface LeasedRenewal extends Renewal {
  readonly lease: Lease;
}

export const renewalKey = ({ certificateName, generation }: RenewalId): string =>
  `${certificateName}#${generation}`;

/** The names that are ordered. */
export const orderedNames = ({ policy, leftOut }: Pick<Renewal, 'policy' | 'leftOut'>): readonly string[] =>
  policy.domains.filter((name) => !leftOut.includes(name));

/** A renewal before its first step. */
export const beginRenewal = (
  id: RenewalId,
  { now, ...given }: Pick<Renewal, 'reason' | 'policy' | 'nextActionAt'> & { readonly now: Date },
): Renewal => ({
  ...id,
  ...given,
  step: 'choose-ca',
  passedOver: [],
  rehearse: false,
  failedNames: {},
  leftOut: [],
  challenges: [],
  deployedTo: [],
  verifiedAt: [],
  warnings: [],
  attempts: 0,
  openedAt: now,
});
