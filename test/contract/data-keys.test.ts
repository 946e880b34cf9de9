import type { KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKmsDataKeys, openWithKms } from '../../shared/etl/cells/data-keys.kms.ts';
import { createMemoryDataKeys } from '../../shared/etl/cells/data-keys.memory.ts';
import { describeDataKeysContract } from './data-keys.ts';
import { startEmbeddedKms } from './embedded-kms.ts';

const purpose = { pipeline: 'orders', table: 'orders', runId: 'run-1' };

let kms: Awaited<ReturnType<typeof startEmbeddedKms>>;
beforeAll(async () => {
  kms = await startEmbeddedKms();
});
afterAll(() => kms.stop());

describeDataKeysContract('memory', () => createMemoryDataKeys(new Uint8Array(32).fill(5)));
describeDataKeysContract('KMS', () => createKmsDataKeys(kms.client, 'alias/cells'));

describe('data keys in KMS', () => {
  it('open under no other master key than theirs', async () => {
    const key = await createKmsDataKeys(kms.client, 'alias/cells').generate(purpose);
    await expect(createKmsDataKeys(kms.client, 'alias/quarantine').open(key)).rejects.toMatchObject({
      code: 'data-key-denied',
      message: expect.stringContaining('IncorrectKeyException'),
    });
  });

  it('open for people who do not name the master key', async () => {
    const key = await createKmsDataKeys(kms.client, 'alias/cells').generate(purpose);
    const opened = await openWithKms(kms.client, key);
    expect(Buffer.from(opened.plaintext).equals(key.plaintext)).toBe(true);
  });

  it('are not made by a key that is there for signing, nor by one that is not there', async () => {
    for (const masterKey of ['alias/records', 'alias/none', 'none'])
      await expect(createKmsDataKeys(kms.client, masterKey).generate(purpose)).rejects.toMatchObject({
        code: 'data-key-denied',
        disposition: 'give-up',
      });
  });
});

describe('KMS that does not answer', () => {
  it('is tried again', async () => {
    const send = async () => {
      throw new Error('socket hang up');
    };
    const keys = createKmsDataKeys({ send } as unknown as Pick<KMSClient, 'send'>, 'alias/etl');
    await expect(keys.generate(purpose)).rejects.toMatchObject({
      code: 'data-key-unavailable',
      disposition: 'retry',
    });
  });
});
