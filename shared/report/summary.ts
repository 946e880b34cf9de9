import { millisBetween } from '../runtime/clock.ts';
import type { CertificateOutcome, Run } from './outcome.ts';

export interface FailedCertificate {
  readonly name: string;
  /** Stable and kebab-case, for machines. */
  readonly code: string;
  readonly error: string;
}

/** What a run came to; lists are in the order of names. */
export interface RunSummary {
  readonly runId: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly durationMillis: number;
  /** Certificates the run looked at. */
  readonly total: number;
  readonly renewed: readonly string[];
  /** Those that were not due. */
  readonly skippedCount: number;
  readonly failed: readonly FailedCertificate[];
  /** Targets that hold a new pair, over all certificates. */
  readonly deployed: number;
  /** Endpoints seen serving a new certificate, over all certificates. */
  readonly verified: number;
  readonly warnings: readonly { readonly name: string; readonly message: string }[];
  /** When the next certificate is due. */
  readonly nextRunAt?: Date;
}

export interface RunFacts extends Run {
  readonly finishedAt: Date;
  readonly total: number;
  /** At most one per certificate, as the run store keeps them. */
  readonly outcomes: readonly CertificateOutcome[];
  readonly nextActionAt?: Date | undefined;
}

/** Adds up a run. What has no outcome was skipped; a total below the outcomes counts as the outcomes do. */
export function buildRunSummary(facts: RunFacts): RunSummary {
  const outcomes = facts.outcomes.toSorted((left, right) =>
    left.certificateName < right.certificateName ? -1 : 1,
  );
  const total = Math.max(facts.total, outcomes.length);
  return {
    runId: facts.runId,
    startedAt: facts.startedAt,
    finishedAt: facts.finishedAt,
    durationMillis: millisBetween(facts.startedAt, facts.finishedAt),
    total,
    renewed: outcomes.filter(({ result }) => result === 'renewed').map((one) => one.certificateName),
    skippedCount: total - outcomes.length,
    failed: outcomes.filter(({ result }) => result === 'failed').map(describeFailed),
    deployed: sum(outcomes.map(({ deployed }) => deployed)),
    verified: sum(outcomes.map(({ verified }) => verified)),
    warnings: outcomes.flatMap(({ certificateName, warnings }) =>
      warnings.map((message) => ({ name: certificateName, message })),
    ),
    ...(facts.nextActionAt ? { nextRunAt: facts.nextActionAt } : {}),
  };
}

const describeFailed = ({ certificateName, error }: CertificateOutcome): FailedCertificate => ({
  name: certificateName,
  code: error?.code ?? 'unknown',
  error: error?.message ?? 'no reason was recorded',
});

const sum = (numbers: readonly number[]): number => numbers.reduce((left, right) => left + right, 0);
