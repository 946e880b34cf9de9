import type { HandshakeError, ReachedObservation, TlsObservation } from '../../verify/observation.ts';
import { alertOf, type HandshakeTrouble, troubleOfAlert, troubleOfCode } from '../connections/tls-trouble.ts';
import type { GateProblem } from './gate.ts';
import { findDateProblem } from './judge-dates.ts';
import { findWeakness } from './key-strength.ts';
import { findTrustPath, trustedBy } from './trust-path.ts';

export interface PeerNeeds {
  /** `peer <host>:<port>`. */
  readonly subject: string;
  readonly host: string;
  readonly roots?: string | undefined;
  readonly minimumDaysLeft: number;
  readonly now: Date;
  /** Whether the handshake could present a client certificate. */
  readonly clientCertificate: boolean;
}

/** What one address of a peer showed, held against what a pipeline needs; empty when it may be connected to. */
export function judgePeer(observation: TlsObservation, needs: PeerNeeds): readonly GateProblem[] {
  const place = observation.address === undefined ? needs.host : `${needs.host} (${observation.address})`;
  const problem = (code: string, says: string): GateProblem => ({
    code,
    subject: needs.subject,
    message: `${place}: ${says}`,
  });
  if (!observation.reached) {
    const { code, error, clientCertificateAsked = false } = observation;
    if (code !== 'tls' || !error) return [problem('peer-unreachable', unreached[code] ?? unreached.tls)];
    const trouble = troubleOf(error, { ...needs, clientCertificateAsked });
    return [problem(trouble, refused[trouble] ?? unreached.tls)];
  }
  const findings = [...findCertificateProblems(observation, needs), ...findHangUp(observation, needs)];
  return findings.map(([code, says]) => problem(code, says));
}

type Finding = readonly [code: string, says: string];

function findCertificateProblems(observation: ReachedObservation, needs: PeerNeeds): Finding[] {
  const { chain = [], authorized, authorizationError = '', hostNameMatches, leaf } = observation;
  const { links } = findTrustPath(chain, trustedBy(needs.roots));
  const findings: Finding[] = [];
  const date = findDateProblem(links, needs);
  if (date) findings.push([date.code, `${date.says}; its owner must renew it`]);
  const weak = links.map(findWeakness).find((weakness) => weakness !== undefined);
  if (weak)
    findings.push([
      'certificate-weak-key',
      `its chain has ${weak}; 2,048 bits of RSA or P-256, and SHA-256, are the least`,
    ]);
  if (!hostNameMatches) {
    const names = leaf.subjectAltNames.slice(0, 5).join(', ') || 'no name';
    findings.push([
      'certificate-wrong-host',
      `its certificate is for ${names}; correct the host in the pipeline`,
    ]);
  }
  const trouble = troubleOfCode(authorizationError) ?? 'certificate-untrusted';
  // OpenSSL tells of one reason alone, and has no name for a weak key.
  const told = trouble === date?.code || (authorizationError === 'UNSPECIFIED' && weak !== undefined);
  if (!authorized && !told) findings.push(findTrust(trouble, authorizationError));
  return findings;
}

function findTrust(trouble: HandshakeTrouble, reason: string): Finding {
  switch (trouble) {
    case 'certificate-self-signed':
      return [
        trouble,
        'its certificate is signed by itself; put a CA that issues it into the secret of `caSecret`',
      ];
    case 'certificate-expired':
    case 'certificate-not-yet-valid':
    case 'certificate-revoked':
      return [trouble, `its chain is not valid (${reason}); its owner must renew it`];
    default:
      return [
        'certificate-untrusted',
        `its chain leads to nobody who is trusted (${reason}); it must send its intermediates, and its root belongs into the secret of \`caSecret\``,
      ];
  }
}

/** A server that says farewell to a connection on which nothing was asked yet did not like the client's certificate. */
function findHangUp(
  { hungUp, clientCertificateAsked = false }: ReachedObservation,
  needs: PeerNeeds,
): Finding[] {
  if (!hungUp) return [];
  const trouble = hungUp.error
    ? troubleOf(hungUp.error, { ...needs, clientCertificateAsked })
    : troubleOfAlert(handshakeFailure, needs);
  return [[trouble, refused[trouble] ?? 'it hung up right after the handshake']];
}

const handshakeFailure = 40;

function troubleOf(
  error: HandshakeError,
  {
    clientCertificate,
    clientCertificateAsked,
  }: { clientCertificate: boolean; clientCertificateAsked: boolean },
): string {
  const alert = alertOf(error.code, error.message);
  if (alert === handshakeFailure && !clientCertificateAsked) return 'peer-unreachable';
  if (alert !== undefined) return gateCode(troubleOfAlert(alert, { clientCertificate }));
  const trouble = troubleOfCode(error.code, error.message);
  // The end of a connection that has just been made, without a word.
  if (trouble === 'peer-reset' && clientCertificateAsked)
    return troubleOfAlert(handshakeFailure, { clientCertificate });
  return gateCode(trouble ?? 'tls-failed');
}

/** The gate knows one code for a peer that no connection came about with. */
const gateCode = (trouble: HandshakeTrouble): string =>
  ['tls-failed', 'peer-reset', 'peer-timeout'].includes(trouble) ? 'peer-unreachable' : trouble;

const refused: Readonly<Record<string, string>> = {
  'tls-too-old': 'it speaks no TLS newer than 1.1; it must offer 1.2 or 1.3',
  'client-certificate-required':
    'it asks for a client certificate; name a `clientCertificate` in the pipeline',
  'client-certificate-refused':
    'it refuses the client certificate; it must trust its CA, and the certificate must be for clients',
};

const unreached = {
  refused: 'nobody listens there; check the port and whether it is up',
  unreachable: 'there is no route to this address from here',
  timeout: 'it did not answer in time; check the firewall between',
  reset: 'it hung up during the handshake; its log should tell why',
  dns: 'the name leads to no address; check it',
  tls: 'both agreed on no TLS connection; check that it speaks TLS 1.2 or 1.3 on this port',
} as const;
