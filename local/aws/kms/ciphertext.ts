import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { KmsError } from './kms-error.ts';
import { type MasterKey, secretOf } from './master-key.ts';

export type EncryptionContext = Readonly<Record<string, string>>;

const formatVersion = 1;
const ivBytes = 12;
const tagBytes = 16;

/** Version, length of the key's id, its id, IV, tag, ciphertext: what is opened names its key, as with KMS. */
export function sealUnder(key: MasterKey, plaintext: Uint8Array, context: EncryptionContext): Buffer {
  const keyId = Buffer.from(key.keyId);
  const head = Buffer.concat([Buffer.from([formatVersion, keyId.length]), keyId]);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', secretOf(key), iv, { authTagLength: tagBytes });
  cipher.setAAD(bind(head, context));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([head, iv, cipher.getAuthTag(), sealed]);
}

/** The id of the key that a ciphertext names; undefined where it is none of ours. */
export function keyIdIn(blob: Buffer): string | undefined {
  const [version, length] = blob;
  if (version !== formatVersion || !length || blob.length < 2 + length + ivBytes + tagBytes) return undefined;
  return blob.subarray(2, 2 + length).toString('utf8');
}

/** @throws KmsError `InvalidCiphertextException`: another key, another context, or altered */
export function openUnder(key: MasterKey, blob: Buffer, context: EncryptionContext): Buffer {
  const headBytes = 2 + (blob[1] ?? 0);
  const iv = blob.subarray(headBytes, headBytes + ivBytes);
  const tag = blob.subarray(headBytes + ivBytes, headBytes + ivBytes + tagBytes);
  try {
    const cipher = createDecipheriv('aes-256-gcm', secretOf(key), iv, { authTagLength: tagBytes });
    cipher.setAAD(bind(blob.subarray(0, headBytes), context)).setAuthTag(tag);
    return Buffer.concat([cipher.update(blob.subarray(headBytes + ivBytes + tagBytes)), cipher.final()]);
  } catch {
    throw invalidCiphertext();
  }
}

/** KMS says nothing about why. */
export const invalidCiphertext = (): KmsError => new KmsError('InvalidCiphertextException', '');

/** The order of a context's members means nothing. */
function bind(head: Buffer, context: EncryptionContext): Buffer {
  const members = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([head, Buffer.from(JSON.stringify(members))]);
}
