import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { Failure } from '../runtime/errors.ts';
import { isLastingRefusal, signWithP256 } from '../runtime/kms.ts';
import { shareSuccess } from '../runtime/share-success.ts';
import { type AccountKey, type AccountSigner, createStoredKeySigner, publicJwkOf } from './account-key.ts';

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
    sign: (data) => ask(keyId, () => signWithP256(client, keyId, data)),
  };
}

const unusable = (keyId: string, what: string) =>
  new Failure({
    code: 'account-key-unusable',
    disposition: 'give-up',
    message: `KMS key ${keyId} ${what}; an ACME account needs an ECC_NIST_P256 key for SIGN_VERIFY`,
  });

async function ask<T>(keyId: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { name } = error as Error;
    throw new Failure({
      code: 'signer-unavailable',
      disposition: isLastingRefusal(error) ? 'give-up' : 'retry',
      message: `KMS did not sign with ${keyId} (${name}); check the key's state and the role's kms:Sign and kms:GetPublicKey`,
      cause: error,
    });
  }
}
