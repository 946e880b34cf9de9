import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { createCsr } from 'acme-client/src/crypto/index.js';

const generate = promisify(generateKeyPair);
export type RequestKeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096';

/** A new private key (PKCS#8, PEM), made off the event loop. */
export async function generateCertificateKey(keyType: RequestKeyType): Promise<string> {
  const { privateKey } = keyType.startsWith('ecdsa')
    ? await generate('ec', { namedCurve: keyType === 'ecdsa-p384' ? 'P-384' : 'P-256' })
    : await generate('rsa', { modulusLength: Number(keyType.slice('rsa-'.length)) });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A PKCS#10 request (PEM) for exactly these names, without a common name: CAs read the SAN alone. */
export async function createCertificateRequest(
  domains: readonly string[],
  privateKeyPem: string,
): Promise<string> {
  const [, csr] = await createCsr({ altNames: [...domains] }, privateKeyPem);
  return csr.toString();
}
