import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { Failure } from '../../../runtime/errors.ts';

/** A JSON Web Token signed with RS256 (RFC 7519, RFC 7518 section 3.3). */
export function signJwt(
  key: KeyObject,
  { header, claims }: { readonly header?: Readonly<Record<string, string>>; readonly claims: object },
): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part), 'utf8').toString('base64url');
  const text = `${encode({ alg: 'RS256', typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text, 'ascii'), key).toString('base64url')}`;
}

/** @throws Failure `target-key-unusable` (give-up), which says nothing of the key */
export function readSigningKey(pem: string, target: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What OpenSSL says of a key is of no help to people and might be to others.
  }
  if (key?.asymmetricKeyType === 'rsa') return key;
  throw new Failure({
    code: 'target-key-unusable',
    disposition: 'give-up',
    message: `the private key for ${target} is no unencrypted RSA key in PEM; put one into the secret`,
  });
}

/** The public half, as SubjectPublicKeyInfo. */
export const publicKeyDer = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ type: 'spki', format: 'der' });
