import { createHash } from 'node:crypto';
import { KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { toRawSignature } from './ecdsa-signature.ts';

/** A client whose calls give up after 5 s each and 3 attempts. */
export const createKms = (): KMSClient =>
  new KMSClient({
    maxAttempts: 3,
    requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true, connectionTimeout: 2000 },
  });

/** What KMS answers about a key's use, its state or a permission stays so until a person changes it. */
const lastingRefusals: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidArnException',
  'InvalidCiphertextException',
  'InvalidKeyUsageException',
  'KMSInvalidStateException',
  'NotFoundException',
  'ValidationException',
]);

export const isLastingRefusal = (error: unknown): boolean =>
  error instanceof Error && lastingRefusals.has(error.name);

const p256Bytes = 32;

/**
 * ECDSA over P-256 with SHA-256 as r || s (RFC 7518, 3.4), by an `ECC_NIST_P256` key. Rejects with the client's
 * errors, and with RangeError where the answer is no signature.
 */
export async function signWithP256(
  client: Pick<KMSClient, 'send'>,
  keyId: string,
  data: Uint8Array,
): Promise<Buffer> {
  const { Signature } = await client.send(
    new SignCommand({
      KeyId: keyId,
      // The digest alone: KMS takes raw messages of 4,096 bytes at most.
      Message: createHash('sha256').update(data).digest(),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    }),
  );
  return toRawSignature(Signature ?? new Uint8Array(), p256Bytes);
}
