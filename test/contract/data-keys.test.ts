import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  DecryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  KMSServiceException,
} from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { createKmsDataKeys } from '../../shared/etl/cells/data-keys.kms.ts';
import { createMemoryDataKeys } from '../../shared/etl/cells/data-keys.memory.ts';
import { describeDataKeysContract } from './data-keys.ts';

const refusal = (name: string) =>
  new KMSServiceException({ name, $fault: 'client', $metadata: {}, message: name });

/** Wraps under a key of its own with the encryption context as additional data, as KMS does. */
function createFakeKms(): Pick<KMSClient, 'send'> {
  const master = createHash('sha256').update('master').digest();
  const bind = (context: Record<string, string> | undefined) => Buffer.from(JSON.stringify(context));
  const send = async (command: unknown) => {
    if (command instanceof GenerateDataKeyCommand) {
      const [Plaintext, iv] = [randomBytes(32), randomBytes(12)];
      const cipher = createCipheriv('aes-256-gcm', master, iv).setAAD(bind(command.input.EncryptionContext));
      const sealed = Buffer.concat([cipher.update(Plaintext), cipher.final()]);
      return { Plaintext, CiphertextBlob: Buffer.concat([iv, cipher.getAuthTag(), sealed]) };
    }
    if (!(command instanceof DecryptCommand)) throw new Error('not faked');
    const blob = Buffer.from(command.input.CiphertextBlob ?? []);
    try {
      const cipher = createDecipheriv('aes-256-gcm', master, blob.subarray(0, 12), { authTagLength: 16 });
      cipher.setAAD(bind(command.input.EncryptionContext)).setAuthTag(blob.subarray(12, 28));
      return { Plaintext: Buffer.concat([cipher.update(blob.subarray(28)), cipher.final()]) };
    } catch {
      throw refusal('InvalidCiphertextException');
    }
  };
  return { send } as Pick<KMSClient, 'send'>;
}

describeDataKeysContract('memory', () => createMemoryDataKeys(new Uint8Array(32).fill(5)));
describeDataKeysContract('KMS', () => createKmsDataKeys(createFakeKms(), 'alias/etl'));

describe('KMS that does not answer', () => {
  it('is tried again', async () => {
    const send = async () => {
      throw new Error('socket hang up');
    };
    const keys = createKmsDataKeys({ send } as unknown as Pick<KMSClient, 'send'>, 'alias/etl');
    await expect(keys.generate({ pipeline: 'p', table: 't', runId: 'r' })).rejects.toMatchObject({
      code: 'data-key-unavailable',
      disposition: 'retry',
    });
  });
});
