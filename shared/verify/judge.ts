import type { ReachedObservation, TlsObservation, UnreachedCode } from './observation.ts';

/** What an endpoint has to serve. */
export interface ExpectedCertificate {
  readonly serial: string;
  /** SHA-256 over the leaf's DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly host: string;
}

export type FindingCode =
  | `endpoint-${UnreachedCode}`
  | 'other-certificate'
  | 'chain-untrusted'
  | 'host-name-mismatch'
  | 'expired'
  | 'not-yet-valid';

export interface Finding {
  readonly code: FindingCode;
  /** Names the host, what was seen and the remedy. */
  readonly message: string;
}

export interface Judgement {
  readonly verdict: 'verified' | 'failed';
  /** Why it failed; empty when verified. */
  readonly findings: readonly Finding[];
  /**
   * Whole days the served leaf is still valid, rounded down, negative once expired; absent if none was seen.
   */
  readonly daysLeft?: number | undefined;
}

const dayMillis = 86_400_000;

/** Verified: the leaf served is the one expected, trusted, for this host, and within its dates at `now`. */
export function judgeObservation(
  observation: TlsObservation,
  expected: ExpectedCertificate,
  now: Date,
): Judgement {
  const place =
    observation.address === undefined ? expected.host : `${expected.host} (${observation.address})`;
  if (!observation.reached) {
    const { code, message } = observation;
    const remedy = remedies[code];
    return {
      verdict: 'failed',
      findings: [
        { code: `endpoint-${code}`, message: `${place} could not be looked at: ${message}; ${remedy}` },
      ],
    };
  }
  const findings = [
    findOtherCertificate(observation, expected),
    findDates(observation, now),
    findTrust(observation, now),
    findHostName(observation, expected.host),
  ]
    .filter((finding) => finding !== undefined)
    .map(({ code, message }) => ({ code, message: `${place} ${message}` }));
  const daysLeft = Math.floor((observation.leaf.notAfter.getTime() - now.getTime()) / dayMillis);
  return { verdict: findings.length === 0 ? 'verified' : 'failed', findings, daysLeft };
}

const remedies: Readonly<Record<UnreachedCode, string>> = {
  refused: 'start the server, or correct the port in `endpoints`',
  unreachable: 'there is no route to this address from here',
  timeout: 'check the server and the firewall between',
  reset: 'look at the log of the server or of the proxy before it',
  dns: 'check the name, or name other `endpoints`',
  tls: 'the server must speak TLS 1.2 or 1.3 and have a certificate for this name',
};

type Check = Finding | undefined;

function findOtherCertificate({ leaf }: ReachedObservation, expected: ExpectedCertificate): Check {
  if (leaf.fingerprint === expected.fingerprint) return undefined;
  const until = leaf.notAfter.toISOString().slice(0, 10);
  return {
    code: 'other-certificate',
    message: `serves certificate ${leaf.serial} (valid until ${until}) instead of ${expected.serial}; deploy again and reload the server`,
  };
}

function findDates({ leaf }: ReachedObservation, now: Date): Check {
  if (now > leaf.notAfter) {
    return {
      code: 'expired',
      message: `serves a certificate that expired at ${leaf.notAfter.toISOString()}; renew it`,
    };
  }
  if (now >= leaf.notBefore) return undefined;
  const from = leaf.notBefore.toISOString();
  return {
    code: 'not-yet-valid',
    message: `serves a certificate that is not valid before ${from}; check the clocks`,
  };
}

/** OpenSSL's codes for dates; where the leaf's own date is the cause, `findDates` has told it already. */
const dateErrors = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];

function findTrust(observation: ReachedObservation, now: Date): Check {
  const { authorized, authorizationError = 'unknown reason', chainLength } = observation;
  if (authorized) return undefined;
  if (dateErrors.includes(authorizationError) && findDates(observation, now) !== undefined) return undefined;
  return {
    code: 'chain-untrusted',
    message: `serves a chain that is not trusted (${authorizationError}, ${chainLength} sent); serve fullchain.pem, and trust the CA's root`,
  };
}

function findHostName({ hostNameMatches, leaf }: ReachedObservation, host: string): Check {
  if (hostNameMatches) return undefined;
  const names = leaf.subjectAltNames.slice(0, 5).join(', ') || 'no name';
  return { code: 'host-name-mismatch', message: `serves a certificate for ${names}, not for ${host}` };
}
