import { createECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';

/** KMS as far as signing goes, over a key in memory; it signs digests and answers DER, as KMS does. */
export function createFakeKms(namedCurve: 'P-256' | 'P-384' = 'P-256') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const state: { failure?: Error; calls: string[] } = { calls: [] };
  const send = async (command: unknown) => {
    if (state.failure) throw state.failure;
    if (command instanceof GetPublicKeyCommand) {
      state.calls.push('GetPublicKey');
      const KeySpec = namedCurve === 'P-256' ? 'ECC_NIST_P256' : 'ECC_NIST_P384';
      return { PublicKey: publicKey.export({ type: 'spki', format: 'der' }), KeySpec };
    }
    if (!(command instanceof SignCommand)) throw new Error('unknown command');
    state.calls.push('Sign');
    const { Message, MessageType } = command.input;
    if (MessageType !== 'DIGEST' || Message?.length !== 32) throw new Error('not a digest');
    return { Signature: signDigest(Buffer.from(Message), privateKey) };
  };
  return { state, client: { send } as unknown as Pick<KMSClient, 'send'> };
}

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA over P-256 by hand, since node:crypto signs messages and no digests. */
function signDigest(digest: Buffer, key: KeyObject): Buffer {
  const ephemeral = createECDH('prime256v1');
  const point = ephemeral.generateKeys();
  const k = toInteger(ephemeral.getPrivateKey());
  const d = toInteger(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const r = toInteger(point.subarray(1, 33)) % order;
  const s = (power(k, order - 2n) * (toInteger(digest) + r * d)) % order;
  return encodeDer([r, s]);
}

/** SEQUENCE of INTEGERs, each shorter than 128 bytes. */
export function encodeDer(integers: readonly bigint[]): Buffer {
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

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let left = exponent, square = base % order; left > 0n; left >>= 1n, square = (square * square) % order)
    if (left & 1n) result = (result * square) % order;
  return result;
}
