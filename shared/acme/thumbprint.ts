import { createHash } from 'node:crypto';

/** The JWK thumbprint of RFC 7638 (SHA-256, base64url): members in lexical order, no others. */
export function jwkThumbprint(jwk: Readonly<Record<string, string>>): string {
  const members = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
  const canonical = JSON.stringify(Object.fromEntries(members.map((member) => [member, jwk[member]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
