import {
  DecryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  KMSServiceException,
} from '@aws-sdk/client-kms';
import { Failure } from '../../runtime/errors.ts';
import { type DataKeyPurpose, type DataKeys, describePurpose, keyIdOfWrapped } from './data-keys.ts';

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
    async open({ wrapped, purpose }) {
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
    },
  };
}

/** Answers that no repetition changes; anything else may pass. */
const final: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidCiphertextException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'ValidationException',
]);

async function ask<Answer>(purpose: DataKeyPurpose, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof KMSServiceException) || !final.has(error.name)) throw unavailable(purpose, error);
    throw new Failure({
      code: 'data-key-denied',
      disposition: 'give-up',
      message:
        `KMS answers ${error.name} for the data key of pipeline ${purpose.pipeline}, table ${purpose.table}: ` +
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
