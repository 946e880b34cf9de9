import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { invalidCiphertext, keyIdIn, openUnder, sealUnder } from './ciphertext.ts';
import { KmsError } from './kms-error.ts';
import {
  blob,
  checkWorking,
  defineOperation,
  type KmsOperation,
  keyReference,
  requireKey,
  requireWorking,
} from './operation.ts';

const context = { EncryptionContext: z.record(z.string().min(1), z.string()).default({}) };
const algorithm = { EncryptionAlgorithm: z.literal('SYMMETRIC_DEFAULT').default('SYMMETRIC_DEFAULT') };
const keySizes = { AES_128: 16, AES_256: 32 };

const generateDataKey = defineOperation(
  z
    .object({
      ...keyReference,
      ...context,
      KeySpec: z.enum(['AES_128', 'AES_256']).optional(),
      NumberOfBytes: z.int().min(1).max(1024).optional(),
    })
    .refine(({ KeySpec, NumberOfBytes }) => (KeySpec === undefined) !== (NumberOfBytes === undefined), {
      error: 'Please specify either number of bytes or key spec.',
    }),
  ({ KeyId, KeySpec, NumberOfBytes = 0, EncryptionContext }, ring) => {
    const key = requireWorking(KeyId, ring, 'SYMMETRIC_DEFAULT');
    const plaintext = randomBytes(KeySpec ? keySizes[KeySpec] : NumberOfBytes);
    return {
      KeyId: key.arn,
      Plaintext: plaintext.toString('base64'),
      CiphertextBlob: sealUnder(key, plaintext, EncryptionContext).toString('base64'),
    };
  },
);

const encrypt = defineOperation(
  z.object({ ...keyReference, ...context, ...algorithm, Plaintext: blob(4096) }),
  ({ KeyId, Plaintext, EncryptionContext, EncryptionAlgorithm }, ring) => {
    const key = requireWorking(KeyId, ring, 'SYMMETRIC_DEFAULT');
    const sealed = sealUnder(key, Plaintext, EncryptionContext);
    return { KeyId: key.arn, CiphertextBlob: sealed.toString('base64'), EncryptionAlgorithm };
  },
);

const decrypt = defineOperation(
  z.object({
    KeyId: keyReference.KeyId.optional(),
    ...context,
    ...algorithm,
    CiphertextBlob: blob(6144),
  }),
  ({ KeyId, CiphertextBlob, EncryptionContext, EncryptionAlgorithm }, ring) => {
    const expected = KeyId === undefined ? undefined : requireKey(KeyId, ring);
    const named = ring.find(keyIdIn(CiphertextBlob) ?? '');
    if (!named) throw invalidCiphertext();
    if (expected && expected.keyId !== named.keyId) {
      const message = 'The key ID in the request does not identify a CMK that can perform this operation.';
      throw new KmsError('IncorrectKeyException', message);
    }
    const key = checkWorking(named, 'SYMMETRIC_DEFAULT');
    const plaintext = openUnder(key, CiphertextBlob, EncryptionContext);
    return { KeyId: key.arn, Plaintext: plaintext.toString('base64'), EncryptionAlgorithm };
  },
);

export const encryptionOperations: Readonly<Record<string, KmsOperation>> = {
  GenerateDataKey: generateDataKey,
  Encrypt: encrypt,
  Decrypt: decrypt,
};
