import { createHash, webcrypto } from 'node:crypto';
import {
  Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** id-pe-acmeIdentifier (RFC 8737, 6.1). */
const acmeIdentifierOid = '1.3.6.1.5.5.7.1.31';
const derOctetString = 0x04;
const dayMillis = 24 * 3600 * 1000;
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * The self-signed certificate a TLS terminator shows to an `acme-tls/1` handshake (RFC 8737, 3): the domain as
 * its only name, and the digest of the key authorization in a critical acmeIdentifier extension. Valid for a
 * day around `now`, with a fresh P-256 key.
 */
export async function createAlpnCertificate(
  domain: string,
  keyAuthorization: string,
  now: Date,
): Promise<{ certPem: string; keyPem: string }> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      keys,
      signingAlgorithm: ecdsa,
      name: 'CN=acme-challenge',
      notBefore: new Date(now.getTime() - dayMillis / 2),
      notAfter: new Date(now.getTime() + dayMillis / 2),
      extensions: [
        new SubjectAlternativeNameExtension([{ type: 'dns', value: domain }]),
        new Extension(acmeIdentifierOid, true, Buffer.from([derOctetString, digest.length, ...digest])),
      ],
    },
    webcrypto,
  );
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certPem: certificate.toString('pem'), keyPem: PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
