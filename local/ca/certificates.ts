import { X509Certificate } from 'node:crypto';
import { type AcmeReply, type Authority, printInstant } from './authority.ts';
import { serialOf } from './issuance.ts';
import { decodeBase64url } from './jws.ts';
import { decideAuthorizationStatus } from './order-status.ts';
import { AcmeProblem, malformed, notFound, unauthorized } from './problem.ts';
import type { AccountRecord, CertificateRecord } from './records.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { authorizationIndexKey } from './store.ts';

/** The certificate resource (RFC 8555, 7.4.2): the leaf and its intermediate, PEM; other chains by number. */
export function readCertificate(
  authority: Authority,
  request: SignedRequest,
  [serial = '', chain = '0']: readonly string[],
): AcmeReply {
  const { store, alternates, urls } = authority;
  const account = requireAccount(request);
  const certificate = store.certificates.get(serial);
  if (certificate === undefined) throw notFound('no such certificate');
  if (certificate.accountId !== account.id) throw unauthorized('the certificate is another account’s');
  const { chainPem } = certificate;
  const leafPem = chainPem.slice(0, chainPem.indexOf(endOfCertificate) + endOfCertificate.length);
  const chains = [chainPem, ...alternates.map(({ intermediatePem }) => leafPem + intermediatePem)];
  const body = /^\d+$/.test(chain) ? chains[Number(chain)] : undefined;
  if (body === undefined) throw notFound('the certificate has no such chain');
  return {
    status: 200,
    text: { type: 'application/pem-certificate-chain', body },
    links: chains.flatMap((_, index) => {
      const url = index === 0 ? urls.certificate(serial) : urls.alternateChain(serial, index);
      return index === Number(chain) ? [] : [`<${url}>;rel="alternate"`];
    }),
  };
}

const endOfCertificate = '-----END CERTIFICATE-----\n';

// RFC 5280 reasons that Let's Encrypt lets subscribers give: unspecified, keyCompromise, affiliationChanged,
// superseded, cessationOfOperation.
const acceptedReasons = [0, 1, 3, 4, 5];

/** revokeCert (RFC 8555, 7.6): by the account that ordered, one that controls every name, or the key itself. */
export function revokeCertificate(authority: Authority, request: SignedRequest): AcmeReply {
  const { store, clock } = authority;
  const { certificate: encoded, reason = 0 } = request.payload ?? {};
  const certificate = findByDer(authority, decodeBase64url(encoded, 'certificate'));
  if (!mayRevoke(authority, request, certificate)) {
    throw unauthorized('neither the account nor the key may revoke this certificate');
  }
  if (typeof reason !== 'number' || !acceptedReasons.includes(reason)) {
    throw new AcmeProblem('badRevocationReason', `reason is one of ${acceptedReasons.join(', ')}`);
  }
  if (certificate.revokedAt !== undefined) {
    throw new AcmeProblem('alreadyRevoked', `the certificate was revoked at ${certificate.revokedAt}`);
  }
  store.certificates.put({
    ...certificate,
    revokedAt: printInstant(clock.now()),
    revocationReason: reason,
  });
  return { status: 200 };
}

function findByDer({ store }: Authority, der: Buffer): CertificateRecord {
  const certificate = store.certificates.get(readSerial(der));
  if (certificate === undefined || !new X509Certificate(certificate.chainPem).raw.equals(der)) {
    throw notFound('this CA did not issue that certificate');
  }
  return certificate;
}

function readSerial(der: Buffer): string {
  try {
    return serialOf(der);
  } catch {
    throw malformed('certificate is not a DER certificate');
  }
}

function mayRevoke(authority: Authority, request: SignedRequest, certificate: CertificateRecord): boolean {
  if (request.account !== undefined) {
    return (
      request.account.id === certificate.accountId || controlsAll(authority, request.account, certificate)
    );
  }
  const { publicKey } = new X509Certificate(certificate.chainPem);
  return publicKey.equals(request.key.publicKey);
}

function controlsAll(
  { store, clock }: Authority,
  account: AccountRecord,
  { names }: CertificateRecord,
): boolean {
  return names.every((name) => {
    const wildcard = name.startsWith('*.');
    const domain = wildcard ? name.slice(2) : name;
    const key = authorizationIndexKey({ accountId: account.id, domain, wildcard, status: 'valid' });
    const authorization = store.authorizations.findNewest(key);
    return authorization !== undefined && decideAuthorizationStatus(authorization, clock.now()) === 'valid';
  });
}
