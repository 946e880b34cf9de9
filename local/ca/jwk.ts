import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { AcmeProblem, malformed } from './problem.ts';

export const signatureAlgorithms = ['ES256', 'ES384', 'RS256'] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** The public members of an account key and nothing else. */
export type PublicJwk = Readonly<Record<string, string>>;

export interface AccountKey {
  readonly jwk: PublicJwk;
  readonly publicKey: KeyObject;
  /** The only JWS algorithm this key may sign with. */
  readonly algorithm: SignatureAlgorithm;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
}

// RFC 7638, 3.2: the required members in lexicographic order.
const membersByKeyType: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  RSA: ['e', 'kty', 'n'],
};

/** RSA of 2048 to 4096 bits, or ECDSA on P-256 or P-384; undefined for any other key. */
export function findKeyKind(publicKey: KeyObject): 'rsa' | 'P-256' | 'P-384' | undefined {
  const { modulusLength = 0, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  if (publicKey.asymmetricKeyType === 'rsa') {
    return modulusLength >= 2048 && modulusLength <= 4096 ? 'rsa' : undefined;
  }
  if (namedCurve === 'prime256v1') return 'P-256';
  return namedCurve === 'secp384r1' ? 'P-384' : undefined;
}

const algorithmByKeyKind = { rsa: 'RS256', 'P-256': 'ES256', 'P-384': 'ES384' } as const;

/** @throws AcmeProblem `malformed` when it is no public key, `badPublicKey` when the key is not accepted. */
export function importJwk(value: unknown): AccountKey {
  if (typeof value !== 'object' || value === null) throw malformed('jwk must be a JSON object');
  if ('d' in value) throw malformed('jwk must hold the public key alone');
  const jwk = pickPublicMembers(value as Readonly<Record<string, unknown>>);
  const publicKey = createKey(jwk);
  const kind = findKeyKind(publicKey);
  if (kind === undefined) {
    throw new AcmeProblem('badPublicKey', 'account keys are RSA of 2048 to 4096 bits, P-256 or P-384');
  }
  const thumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  return { jwk, publicKey, algorithm: algorithmByKeyKind[kind], thumbprint };
}

function pickPublicMembers(value: Readonly<Record<string, unknown>>): PublicJwk {
  const names = membersByKeyType[String(value.kty)];
  if (names === undefined) {
    throw new AcmeProblem('badPublicKey', 'account keys are RSA of 2048 to 4096 bits, P-256 or P-384');
  }
  const members = names.map((name) => {
    const member = value[name];
    if (typeof member !== 'string') throw malformed(`jwk lacks the member "${name}"`);
    return [name, member] as const;
  });
  return Object.fromEntries(members);
}

function createKey(jwk: PublicJwk): KeyObject {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw new AcmeProblem('badPublicKey', 'jwk does not describe a usable public key');
  }
}

const imported = new WeakMap<PublicJwk, AccountKey>();

/** The key of a stored account; imported once per stored object. */
export function keyOfJwk(jwk: PublicJwk): AccountKey {
  const known = imported.get(jwk);
  if (known !== undefined) return known;
  const key = importJwk(jwk);
  imported.set(jwk, key);
  return key;
}
