import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { Failure } from '../runtime/errors.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { type AccountKey, type AccountSigner, createStoredKeySigner, publicJwkOf } from './account-key.ts';
import { toRawSignature } from './ecdsa-signature.ts';

const partBytes = 32;

export const createKmsClient = (): KMSClient =>
  new KMSClient({
    maxAttempts: 3,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/** Signs by whatever holds the account's key: KMS where it names one, else the PEM at hand. */
export const createSignerFor =
  (client: Pick<KMSClient, 'send'>) =>
  (key: AccountKey): AccountSigner =>
    key.kmsKeyId ? createKmsSigner(client, key.kmsKeyId) : createStoredKeySigner(key);

/**
 * Signs in KMS with a P-256 key (`ECC_NIST_P256`, SIGN_VERIFY); needs kms:GetPublicKey and kms:Sign on it. The
 * public half is read once.
 */
export function createKmsSigner(client: Pick<KMSClient, 'send'>, keyId: string): AccountSigner {
  const readJwk = shareSuccess(async () => {
    const spki = await ask(keyId, async () => {
      const { PublicKey, KeySpec } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
      if (PublicKey && KeySpec === 'ECC_NIST_P256') return PublicKey;
      throw unusable(keyId, `is of spec ${KeySpec}`);
    });
    return publicJwkOf(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
  });
  return {
    alg: 'ES256',
    jwk: () => readJwk(),
    sign: (data) =>
      ask(keyId, async () => {
        // The digest alone: a raw message may have 4,096 bytes at most, and a request with a CSR has more.
        const { Signature } = await client.send(
          new SignCommand({
            KeyId: keyId,
            Message: createHash('sha256').update(data).digest(),
            MessageType: 'DIGEST',
            SigningAlgorithm: 'ECDSA_SHA_256',
          }),
        );
        return toRawSignature(Signature ?? new Uint8Array(), partBytes);
      }),
  };
}

const unusable = (keyId: string, what: string) =>
  new Failure({
    code: 'account-key-unusable',
    disposition: 'give-up',
    message: `KMS key ${keyId} ${what}; an ACME account needs an ECC_NIST_P256 key for SIGN_VERIFY`,
  });

/** What KMS answers about a key's use or state stays so until a person changes it. */
const lastingErrors = new Set([
  'AccessDeniedException',
  'DisabledException',
  'InvalidArnException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'ValidationException',
]);

async function ask<T>(keyId: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { name } = error as Error;
    throw new Failure({
      code: 'signer-unavailable',
      disposition: lastingErrors.has(name) ? 'give-up' : 'retry',
      message: `KMS did not sign with ${keyId} (${name}); check the key's state and the role's kms:Sign and kms:GetPublicKey`,
      cause: error,
    });
  }
}
