import { createHash, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { signDigest } from './ecdsa-digest.ts';
import { KmsError } from './kms-error.ts';
import { privateKeyOf } from './master-key.ts';
import { blob, defineOperation, type KmsOperation, keyReference, requireWorking } from './operation.ts';

const digestBytes = 32;

const sign = defineOperation(
  z.object({
    ...keyReference,
    Message: blob(4096),
    MessageType: z.enum(['RAW', 'DIGEST']).default('RAW'),
    SigningAlgorithm: z.literal('ECDSA_SHA_256'),
  }),
  ({ KeyId, Message, MessageType, SigningAlgorithm }, ring) => {
    const key = requireWorking(KeyId, ring, 'ECC_NIST_P256');
    if (MessageType === 'DIGEST' && Message.length !== digestBytes) {
      throw new KmsError(
        'ValidationException',
        `Digest is invalid length for algorithm ${SigningAlgorithm}.`,
      );
    }
    const digest = MessageType === 'DIGEST' ? Message : createHash('sha256').update(Message).digest();
    const signature = signDigest(digest, privateKeyOf(key));
    return { KeyId: key.arn, Signature: signature.toString('base64'), SigningAlgorithm };
  },
);

const getPublicKey = defineOperation(z.object(keyReference), ({ KeyId }, ring) => {
  const key = requireWorking(KeyId, ring, 'ECC_NIST_P256');
  const spki = createPublicKey(privateKeyOf(key)).export({ type: 'spki', format: 'der' });
  return {
    KeyId: key.arn,
    PublicKey: spki.toString('base64'),
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
  };
});

export const signingOperations: Readonly<Record<string, KmsOperation>> = {
  Sign: sign,
  GetPublicKey: getPublicKey,
};
