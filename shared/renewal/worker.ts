import type { CertificateStore } from '../certificates/store.ts';
import type { RunStore } from '../report/runs.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Failure } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import type { OpenChallenge, RenewalOutcome, StepName } from './renewal.ts';
import type { Step } from './step.ts';
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
  /** Takes proofs off show and answers those that remain, with why; for a renewal that ends without using them. */
  readonly withdraw?: (
    challenges: readonly OpenChallenge[],
    signal: AbortSignal,
  ) => Promise<{ readonly remaining: readonly OpenChallenge[]; readonly problems: readonly string[] }>;
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
  | { readonly kind: 'failed'; readonly failure: Failure; readonly retryAt: Date };
