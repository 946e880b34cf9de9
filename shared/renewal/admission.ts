import { sameNames, type TrackedCertificate } from '../certificates/certificate.ts';
import { findDueReason } from '../certificates/due.ts';
import { secondsAfter } from '../runtime/clock.ts';
import { isBeforeFinalize } from './recovery.ts';
import type { Renewal, RenewalOutcome, StepName } from './renewal.ts';

export type Admission =
  | { readonly kind: 'end'; readonly outcome: RenewalOutcome }
  | { readonly kind: 'go-on'; readonly changes: Partial<Pick<Renewal, 'policy' | 'step'>> };

const tickSeconds = 60;
/** Steps at which another challenge can still be chosen. */
const beforeAnswer: readonly StepName[] = ['present-challenges', 'await-propagation', 'answer-challenges'];

/**
 * Whether a renewal just claimed still has its reason, and under which policy it goes on. One that has issued
 * always goes on, to deploy and verify; before that it ends when the certificate was retired, wants other names,
 * another key type or profile before the CA was asked to issue, or is no longer due. Everything else of the policy is taken over, so that a corrected
 * inventory reaches what is under way.
 */
export function decideAdmission(
  renewal: Renewal,
  certificate: TrackedCertificate | undefined,
  now: Date,
): Admission {
  const { policy, order, issued } = renewal;
  if ((certificate?.current?.generation ?? 0) > renewal.generation)
    return { kind: 'end', outcome: 'superseded' };
  if (!certificate) return issued ? { kind: 'go-on', changes: {} } : { kind: 'end', outcome: 'abandoned' };
  const { domains, keyType, profile } = policy;
  const wanted = certificate.policy;
  if (!issued) {
    const changed =
      !sameNames(wanted.domains, domains) || wanted.keyType !== keyType || wanted.profile !== profile;
    // What the CA may have been asked for already is fetched; the change is due again afterwards.
    const unwanted = certificate.state === 'retired' || (changed && isBeforeFinalize(renewal.step));
    const nextTickAt = secondsAfter(now, tickSeconds);
    const forced = renewal.reason.code === 'forced';
    const needless = !order && !forced && !findDueReason(certificate, { now, nextTickAt });
    if (unwanted || needless) return { kind: 'end', outcome: 'abandoned' };
  }
  const proofChanged = wanted.challenge !== policy.challenge || wanted.dnsPlugin !== policy.dnsPlugin;
  return {
    kind: 'go-on',
    changes: {
      // The names keep the order in which they were placed.
      policy: { ...wanted, domains, keyType, profile },
      ...(proofChanged && beforeAnswer.includes(renewal.step) ? { step: 'select-challenges' } : {}),
    },
  };
}
