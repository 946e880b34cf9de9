import type { TrackedCertificate } from '../certificates/certificate.ts';
import type { LeasedRenewal, Renewal, RenewalOutcome, StepName } from './renewal.ts';

export interface StepContext {
  readonly renewal: LeasedRenewal;
  /** The certificate as it was when the renewal was claimed; absent when nobody tracks it any more. */
  readonly certificate?: TrackedCertificate | undefined;
  /** True when another worker, or an earlier invocation, may have begun this step already. */
  readonly resumed: boolean;
  /** How often this invocation has waited in this step. */
  readonly polls: number;
  readonly signal: AbortSignal;
  /**
   * To be called right before an effect that must not happen twice. A process that was frozen runs on without
   * its timers having fired; by the clock its lease is over.
   * @throws Failure `deadline`
   */
  ensureTime(): void;
}

/** What a step may change; identity, lease and schedule belong to the runner. */
export type StepChanges = Partial<
  Pick<
    Renewal,
    | 'attempts'
    | 'ca'
    | 'challenges'
    | 'deployedTo'
    | 'failedNames'
    | 'issued'
    | 'leftOut'
    | 'order'
    | 'passedOver'
    | 'rehearse'
    | 'replaces'
    | 'replacesRefused'
    | 'reservedAs'
    | 'verifiedAt'
    | 'warnings'
  >
>;

export type StepOutcome =
  /** The step's effect is in place; `next` overrides the transition table. */
  | { readonly kind: 'done'; readonly changes?: StepChanges; readonly next?: StepName }
  /** Somebody else must act first; the same step runs again. */
  | {
      readonly kind: 'wait';
      readonly seconds: number;
      readonly reason: string;
      readonly changes?: StepChanges;
    }
  /** Nothing can be done before `until`, and that is nobody's failure; then `next`, or the same step, runs. */
  | {
      readonly kind: 'rest';
      readonly until: Date;
      readonly reason: string;
      readonly changes?: StepChanges;
      readonly next?: StepName;
    }
  | { readonly kind: 'ended'; readonly outcome: RenewalOutcome };

/** One step, idempotent under `resumed`; failures are thrown as Failure. */
export type Step = (context: StepContext) => Promise<StepOutcome>;

/** Longest a CA may ask a poll to wait; beyond it a header is a mistake. */
const longestPollSeconds = 86_400;

/**
 * Seconds before poll number `polls` + 1: `firstSeconds` doubling up to 16 s, and never before the CA's
 * Retry-After.
 */
export const pollSeconds = (
  polls: number,
  retryAfterSeconds: number | undefined,
  firstSeconds = 0.5,
): number =>
  Math.max(Math.min(retryAfterSeconds ?? 0, longestPollSeconds), Math.min(16, firstSeconds * 2 ** polls));
