import type { LeasedRenewal, Renewal, RenewalOutcome, StepName } from './renewal.ts';

export interface StepContext {
  readonly renewal: LeasedRenewal;
  /** True when another worker, or an earlier invocation, may have begun this step already. */
  readonly resumed: boolean;
  /** How often this invocation has waited in this step. */
  readonly polls: number;
  readonly signal: AbortSignal;
}

/** What a step may change; identity, lease and schedule belong to the runner. */
export type StepChanges = Partial<
  Pick<Renewal, 'order' | 'challenges' | 'issued' | 'deployedTo' | 'verifiedAt' | 'warnings' | 'attempts'>
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
  | { readonly kind: 'ended'; readonly outcome: RenewalOutcome };

/** One step, idempotent under `resumed`; failures are thrown as Failure. */
export type Step = (context: StepContext) => Promise<StepOutcome>;

/** Longest a CA may ask a poll to wait; beyond it a header is a mistake. */
const longestPollSeconds = 86_400;

/** Seconds before poll number `polls` + 1: 0.5 s doubling to 16 s, and never before the CA's Retry-After. */
export const pollSeconds = (polls: number, retryAfterSeconds: number | undefined): number =>
  Math.max(Math.min(retryAfterSeconds ?? 0, longestPollSeconds), Math.min(16, 0.5 * 2 ** polls));
