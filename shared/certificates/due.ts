import {
  type CertificatePolicy,
  type IssuedCertificate,
  type RenewalAdvice,
  sameNames,
  type TrackedCertificate,
} from './certificate.ts';

const dayMillis = 86_400_000;
const shortLifetimeMillis = 10 * dayMillis;

/** `forced`: a person asked for it; no check of this file finds it. */
export type DueCode =
  | 'missing'
  | 'names-changed'
  | 'key-type-changed'
  | 'profile-changed'
  | 'announced'
  | 'expiring'
  | 'forced';

export interface DueReason {
  readonly code: DueCode;
  readonly message: string;
}

interface Tick {
  readonly now: Date;
  readonly nextTickAt: Date;
}

/**
 * When renewal starts. Without advice: at 1/3 of the lifetime left, 1/2 for lifetimes under 10 days (Let's
 * Encrypt's integration guide), or `renewDaysBefore` days before expiry, though never in the first third of
 * the lifetime, where an override longer than the lifetime would renew without end.
 * With advice: at the instant drawn from the CA's window (RFC 9773, 4.2), which `renewDaysBefore` moves only
 * to an earlier time; half of that share is kept back, however late a window claims the time to be.
 * Every date is the leaf's or the CA's own, none is this machine's.
 */
export function chooseRenewalTime(
  issued: Pick<IssuedCertificate, 'notBefore' | 'notAfter' | 'issuedBy'>,
  policy: Pick<CertificatePolicy, 'renewDaysBefore'>,
  advice?: RenewalAdvice,
): Date {
  const start = issued.notBefore.getTime();
  const end = issued.notAfter.getTime();
  const lifetime = end - start;
  const share = lifetime / (lifetime < shortLifetimeMillis ? 2 : 3);
  const { renewDaysBefore } = policy;
  const override =
    renewDaysBefore === undefined
      ? undefined
      : Math.max(end - renewDaysBefore * dayMillis, start + lifetime / 3);
  const announced = findAdvice(issued, advice)?.renewAt?.getTime();
  if (announced === undefined) return new Date(override ?? end - share);
  const backstop = end - share / 2;
  return new Date(Math.min(announced, backstop, override ?? backstop));
}

/** Advice about another certificate, such as the one before a change of CA, is none. */
function findAdvice(
  issued: Pick<IssuedCertificate, 'issuedBy'>,
  advice: RenewalAdvice | undefined,
): RenewalAdvice | undefined {
  const certificateId = issued.issuedBy?.certificateId;
  return certificateId !== undefined && advice?.certificateId === certificateId ? advice : undefined;
}

type DueCheck = (certificate: TrackedCertificate, tick: Tick) => DueReason | undefined;

const checkMissing: DueCheck = ({ current }) =>
  current ? undefined : { code: 'missing', message: 'no certificate has been issued yet' };

/** A name that was left out is known to be missing; it takes no new certificate to find that out again. */
const checkNames: DueCheck = ({ current, policy: { domains } }) =>
  sameNames(
    domains.filter((domain) => !current?.leftOut?.includes(domain)),
    current?.domains ?? [],
  )
    ? undefined
    : { code: 'names-changed', message: `names changed to ${domains.join(', ')}` };

const checkKeyType: DueCheck = ({ current, policy }) =>
  current?.keyType === policy.keyType
    ? undefined
    : { code: 'key-type-changed', message: `key type changed from ${current?.keyType} to ${policy.keyType}` };

/**
 * A policy without a profile has no opinion. Nor has a certificate whose CA named none: a CA that knows no
 * profiles would otherwise be asked for the same certificate for ever.
 */
const checkProfile: DueCheck = ({ current, policy: { profile: wanted } }) => {
  const profile = current?.issuedBy?.profile;
  return wanted === undefined || profile === undefined || wanted === profile
    ? undefined
    : { code: 'profile-changed', message: `profile changed from ${profile} to ${wanted}` };
};

// A time before the next tick counts as now: the next tick would already be late (RFC 9773, 4.2).
const checkAnnounced: DueCheck = ({ current, advice }, { nextTickAt }) => {
  const { renewAt, window, explanationUrl } = (current && findAdvice(current, advice)) ?? {};
  if (!renewAt || !window || renewAt >= nextTickAt) return undefined;
  const span = `${window.start.toISOString()} to ${window.end.toISOString()}`;
  const why = explanationUrl === undefined ? '' : `; the CA explains: ${explanationUrl}`;
  return {
    code: 'announced',
    message: `the CA asks for renewal from ${span}, chosen was ${renewAt.toISOString()}${why}`,
  };
};

const checkExpiry: DueCheck = ({ current, policy, advice }, { nextTickAt }) => {
  if (!current) return undefined;
  const renewAt = chooseRenewalTime(current, policy, advice);
  if (renewAt >= nextTickAt) return undefined;
  return {
    code: 'expiring',
    message: `expires at ${current.notAfter.toISOString()}, renewal was due at ${renewAt.toISOString()}`,
  };
};

const checks: readonly DueCheck[] = [
  checkMissing,
  checkNames,
  checkKeyType,
  checkProfile,
  checkAnnounced,
  checkExpiry,
];

/** The first reason to renew, or undefined when the certificate can wait beyond the next tick. */
export function findDueReason(certificate: TrackedCertificate, tick: Tick): DueReason | undefined {
  if (certificate.state === 'retired') return undefined;
  for (const check of checks) {
    const reason = check(certificate, tick);
    if (reason) return reason;
  }
  return undefined;
}

/**
 * Whether the CA is to be asked before the next tick when to renew. Never once the certificate has expired
 * (RFC 9773, 4.3), nor for one that was replaced, which is no longer current.
 */
export function isPollDue(certificate: TrackedCertificate, nextTickAt: Date): boolean {
  const { current, state, advice } = certificate;
  if (!current?.issuedBy?.certificateId || state === 'retired' || current.notAfter <= nextTickAt)
    return false;
  const known = findAdvice(current, advice);
  return !known || known.nextPollAt < nextTickAt;
}

/**
 * When the scheduler looks next at a certificate that is not due: at its place in the plan where it has one, else
 * at its time of renewal or when the CA may be asked again, whichever comes first. In the past where it is due
 * already, or where the CA was never asked about it.
 */
export function chooseNextLook(certificate: TrackedCertificate): Date {
  const { current, policy, advice, plannedAt, nextActionAt } = certificate;
  if (plannedAt) return plannedAt;
  if (!current) return nextActionAt;
  const renewAt = chooseRenewalTime(current, policy, advice);
  if (!current.issuedBy?.certificateId) return renewAt;
  const pollAt = findAdvice(current, advice)?.nextPollAt ?? current.notBefore;
  return pollAt < renewAt ? pollAt : renewAt;
}
