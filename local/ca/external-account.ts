import { createHmac, timingSafeEqual } from 'node:crypto';
import { type AccountKey, importJwk } from './jwk.ts';
import { parseJson, parseJws } from './jws.ts';
import { AcmeProblem, malformed, unauthorized } from './problem.ts';

export interface BindingClaim {
  /** The member `externalAccountBinding` of a newAccount payload. */
  readonly binding: unknown;
  readonly newAccountUrl: string;
  readonly accountKey: AccountKey;
}

/**
 * Checks an external account binding (RFC 8555, 7.3.4) and answers its key id.
 * @throws AcmeProblem `externalAccountRequired`, `malformed` or `unauthorized`
 */
export function checkBinding(macKeys: Readonly<Record<string, string>>, claim: BindingClaim): string {
  if (claim.binding === undefined) {
    throw new AcmeProblem('externalAccountRequired', 'new accounts need an externalAccountBinding');
  }
  const jws = parseJws(claim.binding);
  const { alg, kid, nonce, url } = jws.header;
  if (alg !== 'HS256') {
    throw new AcmeProblem('badSignatureAlgorithm', `the binding is signed with HS256, not "${alg}"`, {
      algorithms: ['HS256'],
    });
  }
  if (kid === undefined) throw malformed('the binding lacks "kid"');
  if (nonce !== undefined) throw malformed('the binding must not have a nonce');
  if (url !== claim.newAccountUrl) throw malformed('the binding is for another url than newAccount');
  const macKey = Object.hasOwn(macKeys, kid) ? macKeys[kid] : undefined;
  if (macKey === undefined) throw unauthorized('the binding names an unknown key id');
  const mac = createHmac('sha256', Buffer.from(macKey, 'base64url')).update(jws.signingInput).digest();
  if (mac.length !== jws.signature.length || !timingSafeEqual(mac, jws.signature)) {
    throw unauthorized('the binding is not signed with the key of its key id');
  }
  const bound = importJwk(parseJson(jws.payload.toString(), 'the payload of the binding'));
  if (bound.thumbprint !== claim.accountKey.thumbprint)
    throw malformed('the binding holds another account key');
  return kid;
}
