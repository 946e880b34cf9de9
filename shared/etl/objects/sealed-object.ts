import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import { type Random, systemRandom } from '../../runtime/random.ts';
import type { DataKey } from '../cells/data-keys.ts';

/** Where a sealed object belongs. It opens under no other key of the bucket, and in whichever bucket that is. */
export interface ObjectAddress {
  readonly key: string;
}

const purpose = 'certfleet-object-v1';
const magic = Buffer.from('CFO1', 'ascii');
const ivBytes = 12;
const tagBytes = 16;
const sliceBytes = 256 * 1024;
const keyIdForm = /^[A-Za-z0-9_-]{1,64}$/;

/** The key of objects: whoever is given it opens no cell of the same run. */
export function deriveObjectKey(dataKey: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', dataKey, new Uint8Array(0), purpose, 32));
}

/** Additional data: an array in JSON, since plain joining would let two addresses look alike. */
const bindTo = ({ key }: ObjectAddress, keyId: string): Buffer =>
  Buffer.from(JSON.stringify([purpose, key, keyId]));

export type ObjectSealer = (key: DataKey, address: ObjectAddress, plaintext: Uint8Array) => Uint8Array;

/**
 * Seals with IVs of 96 bits from `random`, which must be the system's: NIST SP 800-38D section 8.2.2 allows 2^32 of
 * them per key, and a run has far fewer objects.
 */
export const createObjectSealer =
  (random: Random): ObjectSealer =>
  (key, address, plaintext) => {
    const iv = Buffer.alloc(ivBytes);
    for (let at = 0; at < ivBytes; at += 4) iv.writeUInt32BE(Math.floor(random() * 2 ** 32), at);
    const cipher = createCipheriv('aes-256-gcm', deriveObjectKey(key.plaintext), iv, {
      authTagLength: tagBytes,
    });
    cipher.setAAD(bindTo(address, key.keyId));
    const head = Buffer.concat([magic, lengthAndText(key.keyId), iv]);
    const sealed = Buffer.allocUnsafeSlow(head.length + plaintext.length + tagBytes);
    sealed.set(head);
    // Slice by slice into its place: a ciphertext apart would be an object's worth of memory more.
    for (let at = 0; at < plaintext.length; at += sliceBytes)
      sealed.set(cipher.update(plaintext.subarray(at, at + sliceBytes)), head.length + at);
    cipher.final();
    sealed.set(cipher.getAuthTag(), sealed.length - tagBytes);
    return sealed;
  };

/**
 * Seals a whole object under a run's data key, bound to its place; docs/etl/sealed-object-format.md. It is longer
 * than the plaintext by 33 bytes and the key's name. Sealed twice it differs byte for byte.
 * @throws Failure `object-key-unnamed` (bug) where the key's name does not fit the format
 */
export const sealObject: ObjectSealer = createObjectSealer(systemRandom);

/**
 * Names the data key that a sealed object asks for.
 * @throws Failure `object-refused`
 */
export const keyIdOfObject = (sealed: Uint8Array): string => takeApart(sealed).keyId;

/**
 * Opens a sealed object where it belongs.
 * @throws Failure `object-sealed-otherwise` when another key sealed it; `object-refused` when it was altered, cut
 * short, or belongs to another place. Neither says what it holds.
 */
export function openObject(key: DataKey, address: ObjectAddress, sealed: Uint8Array): Uint8Array {
  const { keyId, iv, ciphertext, tag } = takeApart(sealed);
  if (keyId !== key.keyId) {
    throw refuse(
      'object-sealed-otherwise',
      `the object was sealed under the data key ${keyId}, not ${key.keyId}`,
    );
  }
  const cipher = createDecipheriv('aes-256-gcm', deriveObjectKey(key.plaintext), iv, {
    authTagLength: tagBytes,
  });
  cipher.setAAD(bindTo(address, keyId));
  cipher.setAuthTag(tag);
  const plaintext = cipher.update(ciphertext);
  try {
    cipher.final();
  } catch {
    plaintext.fill(0);
    throw refuse('object-refused', 'the object was altered, or belongs to another place than named');
  }
  return plaintext;
}

function lengthAndText(keyId: string): Buffer {
  if (!keyIdForm.test(keyId)) {
    throw new Failure({
      code: 'object-key-unnamed',
      disposition: 'bug',
      message: 'a data key that seals objects needs a name of 1 to 64 of A-Z a-z 0-9 _ -',
    });
  }
  return Buffer.from([keyId.length, ...Buffer.from(keyId, 'ascii')]);
}

function takeApart(sealed: Uint8Array): { keyId: string; iv: Buffer; ciphertext: Buffer; tag: Buffer } {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const ivAt = magic.length + 1 + (bytes[magic.length] ?? 0);
  const ciphertextAt = ivAt + ivBytes;
  const tagAt = bytes.length - tagBytes;
  const keyId = bytes.toString('latin1', magic.length + 1, ivAt);
  if (!bytes.subarray(0, magic.length).equals(magic) || !keyIdForm.test(keyId) || tagAt < ciphertextAt) {
    throw refuse('object-refused', 'this is no sealed object of format v1');
  }
  return {
    keyId,
    iv: bytes.subarray(ivAt, ciphertextAt),
    ciphertext: bytes.subarray(ciphertextAt, tagAt),
    tag: bytes.subarray(tagAt),
  };
}

const refuse = (code: string, message: string) => new Failure({ code, disposition: 'give-up', message });
