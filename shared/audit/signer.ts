import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { Failure } from '../runtime/errors.ts';

/** EdDSA over Ed25519 (RFC 8032), or ECDSA over P-256 with SHA-256 and r || s (RFC 7518, 3.4). */
export type SignatureAlgorithm = 'Ed25519' | 'ES256';

/** A public key that a verifier trusts. */
export interface TrustedKey {
  /** The public key's SHA-256 over its SPKI, hexadecimal: what a verifier looks its key up by. */
  readonly keyId: string;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** Signs for this stage, and knows its own signatures again. Failures: `signer-unavailable`. */
export interface Signer extends TrustedKey {
  readonly algorithm: SignatureAlgorithm;
  sign(data: Uint8Array): Promise<Buffer>;
}

/**
 * Signs with a private key that is at hand (PKCS#8, PEM).
 * @throws Failure `signing-key-unusable`; its message never quotes the key
 */
export function createPemSigner(privateKeyPem: string): Signer {
  const key = parse(() => createPrivateKey(privateKeyPem), 'private');
  const algorithm = algorithmOf(key);
  return {
    ...trustPublicKey(createPublicKey(key)),
    algorithm,
    sign: async (data) => signWith(digestOf(algorithm), data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

/** @throws Failure `signing-key-unusable` unless it is an Ed25519 or P-256 key in SPKI, PEM */
export const trustKey = (publicKeyPem: string): TrustedKey =>
  trustPublicKey(parse(() => createPublicKey(publicKeyPem), 'public'));

/** @throws Failure `signing-key-unusable` unless it is an Ed25519 or P-256 key */
export function trustPublicKey(key: KeyObject): TrustedKey {
  // The algorithm is the key's; one that a signature names is never believed.
  const digest = digestOf(algorithmOf(key));
  return {
    keyId: keyIdOf(key),
    verify: (data, signature) => verifyWith(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature),
  };
}

const digestOf = (algorithm: SignatureAlgorithm) => (algorithm === 'ES256' ? 'sha256' : null);

const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

function algorithmOf(key: KeyObject): SignatureAlgorithm {
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw unusable(`is of type ${key.asymmetricKeyType}; run records are signed by Ed25519 or P-256`);
}

function parse(read: () => KeyObject, half: 'private' | 'public'): KeyObject {
  try {
    return read();
  } catch {
    // The parser's error is left out: it could quote the key.
    throw unusable(`is no ${half} key in PEM`);
  }
}

const unusable = (what: string) =>
  new Failure({
    code: 'signing-key-unusable',
    disposition: 'give-up',
    message: `the key for run records ${what}; check its secret`,
  });
