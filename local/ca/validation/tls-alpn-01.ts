import { createHash } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { connect } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { addressDigits, canonicalAddress } from '../ip-address.ts';
import { nameOf, ValidationFailure, type ValidationTarget, validationTimeoutMillis } from './proof.ts';

const protocol = 'acme-tls/1';
const acmeIdentifierOid = '1.3.6.1.5.5.7.1.31';

/** tls-alpn-01 (RFC 8737, 3) at 127.0.0.1:`port`. @throws ValidationFailure */
export async function validateTlsAlpn01(
  { domain, keyAuthorization }: ValidationTarget,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(validationTimeoutMillis)]);
  const certificate = parseCertificate(await fetchCertificate(serverNameOf(domain), port, limit));
  const names = certificate
    .getExtensions(x509.SubjectAlternativeNameExtension)
    .flatMap(({ names }) => names.items);
  const [name] = names;
  const isAddress = isIP(domain) !== 0;
  const value = isAddress ? canonicalAddress(name?.value ?? '') : name?.value.toLowerCase();
  if (names.length !== 1 || name?.type !== (isAddress ? 'ip' : 'dns') || value !== domain) {
    throw new ValidationFailure('unauthorized', `the certificate must name ${domain} and nothing else`);
  }
  const identifiers = certificate.getExtensions(acmeIdentifierOid);
  const [identifier] = identifiers;
  if (identifiers.length !== 1 || identifier?.critical !== true) {
    throw new ValidationFailure(
      'unauthorized',
      'the certificate must have one critical acmeIdentifier extension',
    );
  }
  if (!Buffer.from(identifier.value).equals(acmeIdentifierFor(keyAuthorization))) {
    throw new ValidationFailure('unauthorized', 'the acmeIdentifier extension holds another digest');
  }
}

/** What the client asks for by SNI: of an address, its name in the reverse zone (RFC 8738, 6). */
function serverNameOf(domain: string): string {
  if (isIP(domain) === 0) return domain;
  if (isIPv4(domain)) return `${domain.split('.').reverse().join('.')}.in-addr.arpa`;
  return `${addressDigits(domain).reverse().join('.')}.ip6.arpa`;
}

/** The DER of an OCTET STRING with the SHA-256 digest. */
function acmeIdentifierFor(keyAuthorization: string): Buffer {
  const digest = createHash('sha256').update(keyAuthorization).digest();
  return Buffer.concat([Buffer.from([0x04, digest.length]), digest]);
}

function parseCertificate(der: Buffer): x509.X509Certificate {
  try {
    return new x509.X509Certificate(der);
  } catch {
    throw new ValidationFailure('unauthorized', 'the certificate cannot be parsed');
  }
}

/** The certificate presented to a client that speaks nothing but acme-tls/1. */
function fetchCertificate(domain: string, port: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: domain,
      ALPNProtocols: [protocol],
      minVersion: 'TLSv1.2',
      // The challenge certificate is self-signed by design; its one extension is what is checked.
      rejectUnauthorized: false,
    });
    const abort = () => socket.destroy(new Error('timed out'));
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const fail = (failure: ValidationFailure) => end(() => reject(failure));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('error', (error) =>
      fail(new ValidationFailure(connected ? 'tls' : 'connection', `${domain}: ${nameOf(error)}`)),
    );
    socket.on('close', () => fail(new ValidationFailure('tls', `${domain}: closed during the handshake`)));
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (socket.alpnProtocol !== protocol) {
        fail(new ValidationFailure('unauthorized', `${domain}: the server did not choose ${protocol}`));
      } else if (certificate === undefined) {
        fail(new ValidationFailure('tls', `${domain}: the server presented no certificate`));
      } else {
        end(() => resolve(certificate.raw));
      }
    });
  });
}
