import type { ChallengeType } from '../shared/certificates/certificate.ts';
import type { EtlSummary } from '../shared/etl/report/etl-summary.ts';
import { millisBetween } from '../shared/runtime/clock.ts';
import type { PassResult } from './pass.ts';

/** What `--json` prints: the one machine-readable account of a pass. */
export interface PassSummary {
  readonly runId: string;
  readonly certificates: {
    readonly total: number;
    readonly renewed: readonly string[];
    readonly skipped: readonly string[];
    readonly failed: readonly { readonly name: string; readonly error: string }[];
  };
  /** Certificates put on all their targets, and seen at all their endpoints. */
  readonly deployed: number;
  readonly verified: number;
  /** Null where no pipeline was run. */
  readonly etl: EtlSummary | null;
  readonly durationMs: number;
}

/**
 * Sums up a pass. `reasons` add to a failure why this machine could not answer that challenge, which the CA cannot know.
 */
export function summarizePass(
  pass: PassResult,
  circumstances: {
    reasons: ReadonlyMap<ChallengeType, string>;
    challengeOf: (name: string) => ChallengeType | undefined;
    etl: EtlSummary | null;
  },
): PassSummary {
  const failures = new Map<string, string>([
    ...pass.outcomes.flatMap(({ certificateName, result, error }) =>
      result === 'failed'
        ? [[certificateName, error ? `${error.message} [${error.code}]` : 'unknown'] as const]
        : [],
    ),
    ...pass.unfinished.map(({ name, reason }) => [name, reason] as const),
  ]);
  const renewed = pass.outcomes.filter(({ result }) => result === 'renewed');
  const worked = new Set(pass.due);
  return {
    runId: pass.runId,
    certificates: {
      total: pass.names.length,
      renewed: renewed.map(({ certificateName }) => certificateName).sort(),
      skipped: pass.names.filter((name) => !worked.has(name)),
      failed: [...failures].sort().map(([name, message]) => {
        const challenge = circumstances.challengeOf(name);
        const outage = challenge && circumstances.reasons.get(challenge);
        return {
          name,
          error: outage ? `${challenge} could not be answered: ${outage} (${message})` : message,
        };
      }),
    },
    deployed: pass.outcomes.filter(({ deployed }) => deployed > 0).length,
    verified: pass.outcomes.filter(({ verified }) => verified > 0).length,
    etl: circumstances.etl,
    durationMs: millisBetween(pass.startedAt, pass.finishedAt),
  };
}
