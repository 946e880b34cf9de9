import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { Failure } from '../runtime/errors.ts';
import { isLastingRefusal, signWithP256 } from '../runtime/kms.ts';
import { type Signer, trustPublicKey } from './signer.ts';

/**
 * Signs in KMS, which never gives the key away: ES256 by an `ECC_NIST_P256` key for SIGN_VERIFY; needs
 * kms:GetPublicKey and kms:Sign on it. The client is the caller's, with its timeouts; `keyId` is an id, ARN or alias.
 * @throws Failure `signer-unavailable`; `signing-key-unusable` for a key of another kind
 */
export async function createKmsSigner(client: Pick<KMSClient, 'send'>, keyId: string): Promise<Signer> {
  const publicKey = await ask(keyId, async () => {
    const { PublicKey, KeySpec } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
    if (PublicKey && KeySpec === 'ECC_NIST_P256')
      return createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
    throw unusable(keyId, `is of spec ${KeySpec}`);
  });
  return {
    ...trustPublicKey(publicKey),
    algorithm: 'ES256',
    sign: (data) => ask(keyId, () => signWithP256(client, keyId, data)),
  };
}

const unusable = (keyId: string, what: string) =>
  new Failure({
    code: 'signing-key-unusable',
    disposition: 'give-up',
    message: `KMS key ${keyId} ${what}; run records are signed by an ECC_NIST_P256 key for SIGN_VERIFY`,
  });

async function ask<Answer>(keyId: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure({
      code: 'signer-unavailable',
      disposition: isLastingRefusal(error) ? 'give-up' : 'retry',
      message: `KMS did not sign run records with ${keyId} (${(error as Error).name}); check the key's state and the role's kms:Sign and kms:GetPublicKey`,
      cause: error,
    });
  }
}
