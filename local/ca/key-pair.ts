import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
type CryptoKey = webcrypto.CryptoKey;

/** A fresh P-256 pair, as certificates are signed with and as they name it. */
export async function generateKeyPair() {
  const cryptoKeys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  return { cryptoKeys, publicKey: await x509.PublicKey.create(cryptoKeys.publicKey) };
}

/** PKCS#8, PEM. */
export async function exportKeyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

export const importKeyPem = (pem: string): Promise<CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign']);

/** SHA-1 over the key's bits, hexadecimal (RFC 5280, 4.2.1.2, method 1). */
export const keyIdentifier = async (publicKey: x509.PublicKey): Promise<string> =>
  Buffer.from(await publicKey.getKeyIdentifier()).toString('hex');
