import { createECDH, type KeyObject } from 'node:crypto';

/** Order of P-256's group (NIST SP 800-186, 3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * ECDSA over P-256 of a digest of 32 bytes (FIPS 186-5, 6.4.1), in DER (RFC 3279, 2.2.3). node:crypto signs messages
 * and no digests, and KMS is handed digests. Not in constant time: for keys that protect nothing.
 */
export function signDigest(digest: Uint8Array, privateKey: KeyObject): Buffer {
  const d = toInteger(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'));
  for (;;) {
    const ephemeral = createECDH('prime256v1');
    const point = ephemeral.generateKeys();
    const k = toInteger(ephemeral.getPrivateKey());
    const r = toInteger(point.subarray(1, 33)) % order;
    const s = (invert(k) * (toInteger(digest) + r * d)) % order;
    if (r !== 0n && s !== 0n) return encodeDer([r, s]);
  }
}

/** SEQUENCE of INTEGERs; two of P-256 fit lengths of one byte. */
function encodeDer(integers: readonly bigint[]): Buffer {
  const elements = integers.map((value) => {
    const digits = value.toString(16);
    const bytes = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
    const positive = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
    return Buffer.concat([Buffer.from([0x02, positive.length]), positive]);
  });
  const content = Buffer.concat(elements);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** By Fermat: the order is a prime. */
function invert(value: bigint): bigint {
  let result = 1n;
  let square = value % order;
  for (let left = order - 2n; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % order;
    square = (square * square) % order;
  }
  return result;
}
