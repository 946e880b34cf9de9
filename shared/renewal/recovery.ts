import type { CertificateAuthority } from '../acme/catalogue.ts';
import { Failure } from '../runtime/errors.ts';
import { isOutage } from './circuit.ts';
import { orderedNames, type Renewal, type StepName, stepNames } from './renewal.ts';

/** The CA looked for proofs and did not find them good. */
export class ValidationFailed extends Failure {
  /** The names that failed, wildcards as `*.example.com`. */
  readonly names: readonly string[];
  /** ACME problem types behind it. */
  readonly problemTypes: readonly string[];

  constructor(what: string, failed: { names: readonly string[]; problemTypes: readonly string[] }) {
    super({
      code: 'validation-failed',
      disposition: 'retry',
      message: `the CA could not validate: ${what}`,
    });
    this.names = failed.names;
    this.problemTypes = failed.problemTypes;
  }
}

/** Why another CA may do better, and how long this one is not asked. */
export interface FailoverReason {
  readonly reason: string;
  readonly seconds: number;
}

const hourSeconds = 3600;
const daySeconds = 86_400;
/** An outage counts against a CA from this failure of a renewal on; before, it is chance. */
const outageAttempts = 2;

/**
 * Refusals of the certificate, not of the moment: another CA may take it (RFC 8555, 6.7; RFC 8659 for CAA). No
 * longer than a day, since a renewal rests while nobody is left to ask, and what was refused may be mended.
 */
const refusals: Readonly<Record<string, FailoverReason>> = {
  'acme-caa': { reason: 'CAA forbids it', seconds: daySeconds },
  'acme-paused': { reason: 'it has paused these names', seconds: daySeconds },
  'acme-rejectedIdentifier': { reason: 'it refuses a name', seconds: daySeconds },
  'acme-unsupportedIdentifier': { reason: 'it does not support a name', seconds: daySeconds },
  'acme-invalidProfile': { reason: 'it does not offer the profile', seconds: daySeconds },
  'acme-badPublicKey': { reason: 'it refuses the key type', seconds: daySeconds },
  'challenge-not-offered': { reason: 'it does not offer the challenge', seconds: daySeconds },
  'external-account-missing': { reason: 'no external account is stored for it', seconds: daySeconds },
  'acme-externalAccountRequired': { reason: 'it refuses the external account', seconds: daySeconds },
  'acme-userActionRequired': { reason: 'it waits for a person', seconds: daySeconds },
};

/** Those of them that any request of the account may meet (RFC 8555, 7.3.3), a look at an order that issues too. */
const ofAnyRequest: readonly string[] = [
  'external-account-missing',
  'acme-externalAccountRequired',
  'acme-userActionRequired',
];

/** Why the renewal should be tried at another CA after this failure; undefined where that would not help. */
export function findFailoverReason(renewal: Renewal, failure: Failure): FailoverReason | undefined {
  if (failure instanceof ValidationFailed)
    return failure.problemTypes.includes('caa') ? refusals['acme-caa'] : undefined;
  const refusal = Object.hasOwn(refusals, failure.code) ? refusals[failure.code] : undefined;
  // An order that may be finalized belongs to this CA: another would issue a second certificate.
  const leavable = isBeforeFinalize(renewal.step);
  const finalizeRefused = renewal.step === 'finalize-order' && !ofAnyRequest.includes(failure.code);
  if (refusal) return leavable || finalizeRefused ? refusal : undefined;
  if (!leavable || !isOutage(failure.code) || renewal.attempts + 1 < outageAttempts) return undefined;
  return { reason: `it is out of order (${failure.code})`, seconds: hourSeconds };
}

/** Whether the CA cannot have been asked for the certificate yet. */
export const isBeforeFinalize = (step: StepName): boolean =>
  stepNames.indexOf(step) < stepNames.indexOf('finalize-order');

/** Failures of one name after which it is left out, where the policy allows. */
const splitAfterFailures = 2;

/**
 * What a failed validation changes: which names have failed how often, whether the next attempt is rehearsed at
 * the CA's staging one, and which names are left out so that the others need not wait for them (opt-in).
 */
export function decideAfterValidation(
  renewal: Renewal,
  failure: ValidationFailed,
  authority: CertificateAuthority,
): Pick<Renewal, 'failedNames' | 'rehearse' | 'leftOut'> {
  const failedNames = { ...renewal.failedNames };
  for (const name of failure.names) failedNames[name] = (failedNames[name] ?? 0) + 1;
  const rehearse = renewal.ca?.rehearsal === true || authority.staging !== undefined;
  const dead = orderedNames(renewal).filter((name) => (failedNames[name] ?? 0) >= splitAfterFailures);
  const alive = orderedNames(renewal).length - dead.length;
  const split = renewal.policy.splitFailingNames === true && alive > 0;
  return { failedNames, rehearse, leftOut: split ? [...renewal.leftOut, ...dead] : renewal.leftOut };
}
