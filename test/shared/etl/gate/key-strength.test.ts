import { webcrypto, X509Certificate } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import { expect, it } from 'vitest';
import { findWeakness } from '../../../../shared/etl/gate/key-strength.ts';

const rsa = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash,
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});
const ecdsa = (namedCurve: string, hash = 'SHA-256') => ({ name: 'ECDSA', namedCurve, hash });

async function aCertificate(algorithm: { name: string }): Promise<X509Certificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=a',
    keys: keys as webcrypto.CryptoKeyPair,
    signingAlgorithm: algorithm as never,
  });
  return new X509Certificate(Buffer.from(certificate.rawData));
}

it.each([
  rsa(2048),
  ecdsa('P-256'),
  ecdsa('P-384', 'SHA-384'),
  ecdsa('P-521', 'SHA-512'),
  { name: 'Ed25519' },
])('strong enough: $name $modulusLength $namedCurve', async (algorithm) => {
  expect(findWeakness(await aCertificate(algorithm))).toBeUndefined();
});

it.each([
  [rsa(1024), 'an RSA key of 1024 bits'],
  [rsa(2048, 'SHA-1'), expect.stringMatching(/sha1/i)],
  [ecdsa('P-256', 'SHA-1'), expect.stringMatching(/sha1/i)],
])('too weak: %j', async (algorithm, weakness) => {
  expect(findWeakness(await aCertificate(algorithm))).toEqual(weakness);
});
