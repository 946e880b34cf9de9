import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { Failure } from '../../runtime/errors.ts';
import { isLastingRefusal } from '../../runtime/kms.ts';
import { endpointTlsFailure } from '../connections/endpoint-tls.ts';
import {
  type DataKey,
  type DataKeyPurpose,
  type DataKeys,
  describePurpose,
  keyIdOfWrapped,
  type WrappedDataKey,
} from './data-keys.ts';

/** The client is the caller's, with its timeouts; `masterKey` is a symmetric KMS key by id, ARN or alias. */
export function createKmsDataKeys(client: Pick<KMSClient, 'send'>, masterKey: string): DataKeys {
  return {
    async generate(purpose) {
      const { CiphertextBlob, Plaintext } = await ask(purpose, () =>
        client.send(
          new GenerateDataKeyCommand({
            KeyId: masterKey,
            KeySpec: 'AES_256',
            EncryptionContext: describePurpose(purpose),
          }),
        ),
      );
      if (!CiphertextBlob || Plaintext?.length !== 32) throw unavailable(purpose, undefined);
      const wrapped = Buffer.from(CiphertextBlob).toString('base64');
      return { keyId: keyIdOfWrapped(CiphertextBlob), wrapped, purpose, plaintext: Plaintext };
    },
    open: (key) => openWithKms(client, key, masterKey),
  };
}

/**
 * Opens a wrapped key for its purpose. Without `masterKey` KMS takes whichever of its keys wrapped it, so that
 * people need not know; a worker names the one it expects.
 * @throws Failure as `DataKeys.open` has them
 */
export async function openWithKms(
  client: Pick<KMSClient, 'send'>,
  { wrapped, purpose }: WrappedDataKey,
  masterKey?: string,
): Promise<DataKey> {
  const blob = Buffer.from(wrapped, 'base64');
  const { Plaintext } = await ask(purpose, () =>
    client.send(
      new DecryptCommand({
        KeyId: masterKey,
        CiphertextBlob: blob,
        EncryptionContext: describePurpose(purpose),
      }),
    ),
  );
  if (Plaintext?.length !== 32) throw unavailable(purpose, undefined);
  return { keyId: keyIdOfWrapped(blob), wrapped, purpose, plaintext: Plaintext };
}

async function ask<Answer>(purpose: DataKeyPurpose, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    const untrusted = endpointTlsFailure(error, 'the endpoint of KMS');
    if (untrusted) throw untrusted;
    if (!isLastingRefusal(error)) throw unavailable(purpose, error);
    throw new Failure({
      code: 'data-key-denied',
      disposition: 'give-up',
      message:
        `KMS answers ${(error as Error).name} for the data key of pipeline ${purpose.pipeline}, table ${purpose.table}: ` +
        'check the key, its policy, and that the wrapped key is that of this run',
      cause: error,
    });
  }
}

const unavailable = ({ pipeline, table }: DataKeyPurpose, cause: unknown) =>
  new Failure({
    code: 'data-key-unavailable',
    disposition: 'retry',
    message: `KMS gave no data key for pipeline ${pipeline}, table ${table}`,
    cause,
  });
