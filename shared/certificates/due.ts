import {
  type CertificatePolicy,
  type IssuedCertificate,
  sameNames,
  type TrackedCertificate,
} from './certificate.ts';

const dayMillis = 86_400_000;
const shortLifetimeMillis = 10 * dayMillis;

export type DueCode = 'missing' | 'names-changed' | 'key-type-changed' | 'expiring';

export interface DueReason {
  readonly code: DueCode;
  readonly message: string;
}

/**
 * When renewal starts: at 1/3 of the lifetime left, 1/2 for lifetimes under 10 days (Let's Encrypt's
 * integration guide), or `renewDaysBefore` days before expiry. Never in the first third of the lifetime,
 * where an override longer than the lifetime would renew without end.
 */
export function chooseRenewalTime(
  issued: Pick<IssuedCertificate, 'notBefore' | 'notAfter'>,
  policy: Pick<CertificatePolicy, 'renewDaysBefore'>,
): Date {
  const start = issued.notBefore.getTime();
  const end = issued.notAfter.getTime();
  const lifetime = end - start;
  const remaining =
    policy.renewDaysBefore === undefined
      ? lifetime / (lifetime < shortLifetimeMillis ? 2 : 3)
      : policy.renewDaysBefore * dayMillis;
  return new Date(Math.max(end - remaining, start + lifetime / 3));
}

type DueCheck = (
  certificate: TrackedCertificate,
  run: { now: Date; nextTickAt: Date },
) => DueReason | undefined;

const checkMissing: DueCheck = ({ current }) =>
  current ? undefined : { code: 'missing', message: 'no certificate has been issued yet' };

const checkNames: DueCheck = ({ current, policy }) =>
  sameNames(policy.domains, current?.domains ?? [])
    ? undefined
    : { code: 'names-changed', message: `names changed to ${policy.domains.join(', ')}` };

const checkKeyType: DueCheck = ({ current, policy }) =>
  current?.keyType === policy.keyType
    ? undefined
    : { code: 'key-type-changed', message: `key type changed from ${current?.keyType} to ${policy.keyType}` };

const checkExpiry: DueCheck = ({ current, policy }, { nextTickAt }) => {
  if (!current) return undefined;
  const renewAt = chooseRenewalTime(current, policy);
  // A time before the next tick counts as now: the next tick would already be late.
  if (renewAt >= nextTickAt) return undefined;
  return {
    code: 'expiring',
    message: `expires at ${current.notAfter.toISOString()}, renewal was due at ${renewAt.toISOString()}`,
  };
};

const checks: readonly DueCheck[] = [checkMissing, checkNames, checkKeyType, checkExpiry];

/** The first reason to renew, or undefined when the certificate can wait beyond the next tick. */
export function findDueReason(
  certificate: TrackedCertificate,
  run: { now: Date; nextTickAt: Date },
): DueReason | undefined {
  if (certificate.state === 'retired') return undefined;
  for (const check of checks) {
    const reason = check(certificate, run);
    if (reason) return reason;
  }
  return undefined;
}
