import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Failure } from '../runtime/errors.ts';

/** The public members of a JSON Web Key (RFC 7517), in lexical order. */
export type PublicJwk = Readonly<Record<string, string>>;

/**
 * Signs for an ACME account without showing its key. Signatures are as JWS has them (RFC 7518, 3): r and s in
 * fixed length one after the other for ECDSA. Failures: `signer-unavailable`, `account-key-unusable`.
 */
export interface AccountSigner {
  readonly alg: 'ES256' | 'ES384' | 'RS256';
  jwk(): Promise<PublicJwk>;
  sign(data: Buffer): Promise<Buffer>;
}

/** Where an account's private key is: in the account store itself, or in KMS, which never gives it away. */
export interface AccountKey {
  /** PKCS#8, PEM. */
  readonly privateKeyPem?: string | undefined;
  /** Key id or ARN of an ECC_NIST_P256 signing key. */
  readonly kmsKeyId?: string | undefined;
}

/**
 * Signs with a key that is at hand: P-256, P-384 or RSA. The key is parsed once.
 * @throws Failure `account-key-unusable`
 */
export function createPemSigner(privateKeyPem: string): AccountSigner {
  const key = parseKey(privateKeyPem);
  const jwk = publicJwkOf(createPublicKey(key));
  const alg = chooseAlgorithm(jwk);
  const digest = alg === 'ES384' ? 'sha384' : 'sha256';
  return {
    alg,
    jwk: async () => jwk,
    sign: async (data) => sign(digest, data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

/** The default for an account's key: PEM at hand. @throws Failure `signer-missing` for a key in KMS */
export function createStoredKeySigner({ privateKeyPem, kmsKeyId }: AccountKey): AccountSigner {
  if (privateKeyPem) return createPemSigner(privateKeyPem);
  throw new Failure({
    code: 'signer-missing',
    disposition: 'give-up',
    message: kmsKeyId
      ? `the account's key is KMS key ${kmsKeyId} and this function has no KMS signer; give it one, and kms:Sign on the key`
      : "the stored account has neither a private key nor a KMS key; restore the secret's earlier version",
  });
}

/** The public half of a key, nothing else of it. */
export function publicJwkOf(publicKey: KeyObject): PublicJwk {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' });
  const members = Object.entries({ crv, e, kty, n, x, y });
  return Object.fromEntries(members.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** A new P-256 key (PKCS#8, PEM). */
export const generateAccountKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

function parseKey(privateKeyPem: string): KeyObject {
  try {
    return createPrivateKey(privateKeyPem);
  } catch {
    // The parser's error is left out: it could quote the key.
    throw unusable('is not a private key in PEM');
  }
}

function chooseAlgorithm({ kty, crv }: PublicJwk): AccountSigner['alg'] {
  if (kty === 'RSA') return 'RS256';
  if (crv === 'P-256') return 'ES256';
  if (crv === 'P-384') return 'ES384';
  throw unusable(`is of type ${kty} ${crv ?? ''}; CAs take RSA, P-256 and P-384`);
}

const unusable = (what: string) =>
  new Failure({
    code: 'account-key-unusable',
    disposition: 'give-up',
    message: `the ACME account's key ${what}; check the account's secret`,
  });
