import type { CertificateOutcome } from '../report/outcome.ts';
import type { Renewal } from './renewal.ts';

/** What a run is told of a renewal. */
export function describeOutcome(
  renewal: Renewal,
  { runId, result, at }: Pick<CertificateOutcome, 'runId' | 'result' | 'at'>,
): CertificateOutcome {
  const { lastProblem } = renewal;
  return {
    runId,
    certificateName: renewal.certificateName,
    generation: renewal.generation,
    result,
    at,
    error:
      result === 'failed' && lastProblem
        ? { code: lastProblem.code, message: lastProblem.message }
        : undefined,
    deployed: renewal.deployedTo.length,
    verified: renewal.verifiedAt.length,
    notAfter: renewal.issued?.notAfter,
    warnings: renewal.warnings,
  };
}
