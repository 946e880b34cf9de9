import type { CertificateStore } from '../certificates/store.ts';
import type { RunStore } from '../report/runs.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { LeasedRenewal, RenewalOutcome, StepName } from './renewal.ts';
import type { Step, StepChanges } from './step.ts';
import type { RenewalStore } from './store.ts';
import type { Worker } from './transitions.ts';
import type { RenewalWork, WorkQueue } from './work-queue.ts';

export interface RunnerPorts {
  readonly certificates: CertificateStore;
  readonly renewals: RenewalStore;
  readonly runs: RunStore;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a worker can do for one renewal. */
export interface WorkerSteps {
  readonly steps: Partial<Record<StepName, Step>>;
  /** Gives back what an order held, proofs on show and reserved limits, when it will not be finalized. */
  readonly letGo?: (
    renewal: LeasedRenewal,
    order: { readonly fate: OrderFate; readonly signal: AbortSignal },
  ) => Promise<StepChanges>;
  /** What a failure changes beside the backoff: another CA, a rehearsal, names left out. */
  readonly recover?: (renewal: LeasedRenewal, failure: Failure, signal: AbortSignal) => Promise<Recovery>;
}

/** `void`: the CA will not issue from it any more; `left`: nobody here goes on with it. */
export type OrderFate = 'void' | 'left';

export interface Recovery {
  readonly changes: StepChanges;
  /** Where the renewal goes on; the step that failed when absent. */
  readonly step?: StepName | undefined;
  /** There is something else to try at once, without waiting for the backoff. */
  readonly retryNow?: boolean;
}

export interface RunRenewal extends WorkerSteps {
  readonly work: RenewalWork;
  /** Names this attempt in the lease; no two attempts share it. */
  readonly owner: string;
  readonly deadline: Deadline;
  readonly ports: RunnerPorts;
}

export type RunResult =
  | { readonly kind: 'not-claimed' }
  | { readonly kind: 'ended'; readonly outcome: RenewalOutcome }
  | { readonly kind: 'handed-over'; readonly to: Worker }
  | { readonly kind: 'waiting'; readonly until: Date; readonly reason: string }
  /** Without `retryAt` a person must act first. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly retryAt?: Date | undefined };
