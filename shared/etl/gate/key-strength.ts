import type { KeyObject, X509Certificate } from 'node:crypto';

const leastRsaBits = 2048;
const strongCurves = ['prime256v1', 'secp384r1', 'secp521r1'];
const ownStrength = ['ed25519', 'ed448'];

/** What is too weak about a certificate's key, or about the signature over it; undefined when nothing is. */
export function findWeakness(certificate: X509Certificate): string | undefined {
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch {
    return 'a key of an unknown kind';
  }
  const { modulusLength = 0, namedCurve = 'no named curve' } = key.asymmetricKeyDetails ?? {};
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type === 'rsa' || type === 'rsa-pss') {
    if (modulusLength < leastRsaBits) return `an RSA key of ${modulusLength} bits`;
  } else if (type === 'ec') {
    if (!strongCurves.includes(namedCurve)) return `a key on ${namedCurve}`;
  } else if (!ownStrength.includes(type)) {
    return `a key of type ${type}`;
  }
  // Node before 24.9 does not tell.
  const signature = certificate.signatureAlgorithm ?? '';
  return /sha-?1|md[245]/i.test(signature) ? `a signature by ${signature}` : undefined;
}
