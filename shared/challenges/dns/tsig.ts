import { createHmac, timingSafeEqual } from 'node:crypto';
import { Failure } from '../../runtime/errors.ts';
import { appendTsig, encodeSeconds, encodeShort, readTsig, type Tsig } from './tsig-record.ts';
import { encodeName, recordClass } from './wire.ts';

/** Transaction signatures, RFC 8945. */
export const tsigAlgorithms = ['hmac-sha256', 'hmac-sha512'] as const;
export type TsigAlgorithm = (typeof tsigAlgorithms)[number];

export const tsigError = { none: 0, badSig: 16, badKey: 17, badTime: 18 } as const;

/** How far two clocks may differ (RFC 8945, 10). */
export const fudgeSeconds = 300;

export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Buffer;
}

/**
 * A key from its configured parts; the secret is base64, as `tsig-keygen` prints it.
 * @throws Failure `invalid-configuration`, which never repeats the secret
 */
export function parseTsigKey(parts: { name: string; algorithm: TsigAlgorithm; secret: string }): TsigKey {
  const secret = Buffer.from(parts.secret, 'base64');
  if (secret.length > 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(parts.secret)) {
    return { name: parts.name.toLowerCase().replace(/\.$/, ''), algorithm: parts.algorithm, secret };
  }
  throw new Failure({
    code: 'invalid-configuration',
    disposition: 'give-up',
    message: `the secret of TSIG key "${parts.name}" is not base64`,
  });
}

export type TsigVerdict =
  | { readonly outcome: 'valid'; readonly mac: Buffer }
  | { readonly outcome: 'unsigned' }
  | { readonly outcome: 'malformed' }
  | { readonly outcome: 'rejected'; readonly error: number; readonly tsig: Tsig };

export interface SigningOptions {
  readonly key: TsigKey;
  readonly now: Date;
  /** The request's MAC, when a response is signed or verified (RFC 8945, 5.3). */
  readonly requestMac?: Buffer | undefined;
}

/** `message` with a TSIG record behind it, and the MAC that its response must cover. */
export function signMessage(message: Buffer, options: SigningOptions): { message: Buffer; mac: Buffer } {
  const unsigned = {
    keyName: options.key.name,
    algorithm: options.key.algorithm as string,
    signedAtSeconds: Math.floor(options.now.getTime() / 1000),
    fudgeSeconds,
    originalId: message.readUInt16BE(0),
    error: tsigError.none,
    otherData: Buffer.alloc(0),
  };
  const mac = computeMac(message, unsigned, options);
  return { message: appendTsig(message, { ...unsigned, mac }), mac };
}

/**
 * The answer to a request whose signature was rejected (RFC 8945, 5.3.2): a wrong key or MAC is told without a
 * signature, a wrong time with one, together with the time here.
 */
export function signRejection(
  message: Buffer,
  rejected: { readonly error: number; readonly tsig: Tsig },
  options: Pick<SigningOptions, 'key' | 'now'>,
): Buffer {
  const { tsig, error } = rejected;
  if (error !== tsigError.badTime) {
    return appendTsig(message, { ...tsig, error, mac: Buffer.alloc(0), otherData: Buffer.alloc(0) });
  }
  const otherData = encodeSeconds(Math.floor(options.now.getTime() / 1000));
  const told = { ...tsig, error, otherData };
  const mac = computeMac(message, told, { ...options, requestMac: tsig.mac });
  return appendTsig(message, { ...told, mac });
}

/** Judges a signed message in the order of RFC 8945, 5.2: key, MAC, time. */
export function verifyMessage(message: Buffer, options: SigningOptions): TsigVerdict {
  const found = readTsig(message);
  if (found === 'unsigned' || found === 'malformed') return { outcome: found };
  const { tsig, signedPart } = found;
  if (tsig.keyName !== options.key.name || tsig.algorithm !== options.key.algorithm) {
    return { outcome: 'rejected', error: tsigError.badKey, tsig };
  }
  const expected = computeMac(signedPart, tsig, options);
  if (expected.length !== tsig.mac.length || !timingSafeEqual(expected, tsig.mac)) {
    return { outcome: 'rejected', error: tsigError.badSig, tsig };
  }
  const skewSeconds = Math.abs(options.now.getTime() / 1000 - tsig.signedAtSeconds);
  if (skewSeconds > tsig.fudgeSeconds) return { outcome: 'rejected', error: tsigError.badTime, tsig };
  return { outcome: 'valid', mac: tsig.mac };
}

function computeMac(message: Buffer, tsig: Omit<Tsig, 'mac'>, options: Omit<SigningOptions, 'now'>): Buffer {
  const hmac = createHmac(options.key.algorithm.replace('hmac-', ''), options.key.secret);
  if (options.requestMac) hmac.update(encodeShort(options.requestMac.length)).update(options.requestMac);
  return hmac
    .update(message)
    .update(encodeName(tsig.keyName.toLowerCase()))
    .update(encodeShort(recordClass.any))
    .update(Buffer.alloc(4))
    .update(encodeName(tsig.algorithm))
    .update(encodeSeconds(tsig.signedAtSeconds))
    .update(encodeShort(tsig.fudgeSeconds))
    .update(encodeShort(tsig.error))
    .update(encodeShort(tsig.otherData.length))
    .update(tsig.otherData)
    .digest();
}
