import { z } from 'zod';
import { ACCOUNT_ID } from '../intrinsics.ts';
import { KmsError } from './kms-error.ts';
import type { KeyState } from './master-key.ts';
import { defineOperation, type KmsOperation, keyReference, requireKey } from './operation.ts';

const describeKey = defineOperation(z.object(keyReference), ({ KeyId }, ring) => {
  const key = requireKey(KeyId, ring);
  const ability =
    key.spec === 'SYMMETRIC_DEFAULT'
      ? { KeyUsage: 'ENCRYPT_DECRYPT', EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'] }
      : { KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: ['ECDSA_SHA_256'] };
  return {
    KeyMetadata: {
      AWSAccountId: ACCOUNT_ID,
      KeyId: key.keyId,
      Arn: key.arn,
      CreationDate: key.createdAtMillis / 1000,
      Description: key.description,
      Enabled: key.state === 'Enabled',
      KeyState: key.state,
      KeySpec: key.spec,
      CustomerMasterKeySpec: key.spec,
      KeyManager: 'CUSTOMER',
      Origin: 'AWS_KMS',
      MultiRegion: false,
      ...ability,
    },
  };
});

/** From which states a key gets to `state`; the answer is `output`'s. */
function changeState(from: readonly KeyState[], state: KeyState, withKeyId: 'with key id' | 'empty') {
  return defineOperation(z.object(keyReference), ({ KeyId }, ring) => {
    const key = requireKey(KeyId, ring);
    if (!from.includes(key.state)) {
      throw new KmsError('KMSInvalidStateException', `${key.arn} is in state ${key.state}.`);
    }
    ring.changeState(key, state);
    return withKeyId === 'empty' ? {} : { KeyId: key.arn, KeyState: state };
  });
}

const usable: readonly KeyState[] = ['Enabled', 'Disabled'];

export const keyOperations: Readonly<Record<string, KmsOperation>> = {
  DescribeKey: describeKey,
  EnableKey: changeState(usable, 'Enabled', 'empty'),
  DisableKey: changeState(usable, 'Disabled', 'empty'),
  ScheduleKeyDeletion: changeState(usable, 'PendingDeletion', 'with key id'),
  CancelKeyDeletion: changeState(['PendingDeletion'], 'Disabled', 'with key id'),
};
