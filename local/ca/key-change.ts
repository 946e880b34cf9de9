import { showAccount } from './accounts.ts';
import type { AcmeReply, Authority } from './authority.ts';
import { importJwk } from './jwk.ts';
import { parseJws, readPayload, verifySignature } from './jws.ts';
import { malformed } from './problem.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { accountIdOf } from './urls.ts';

/** keyChange (RFC 8555, 7.3.5): the old key signs a message in which the new key asks to replace it. */
export function changeKey(authority: Authority, request: SignedRequest): AcmeReply {
  const { store, urls } = authority;
  const account = requireAccount(request);
  const inner = parseJws(request.payload);
  if (inner.header.jwk === undefined) throw malformed('the inner JWS is signed with "jwk"');
  if (inner.header.nonce !== undefined) throw malformed('the inner JWS must not have a nonce');
  if (inner.header.url !== request.url) throw malformed('inner and outer JWS differ in "url"');
  const newKey = importJwk(inner.header.jwk);
  verifySignature(inner, newKey);
  const claim = readPayload(inner) ?? {};
  if (typeof claim.account !== 'string' || accountIdOf(claim.account) !== account.id) {
    throw malformed('the inner payload names another account');
  }
  if (importJwk(claim.oldKey).thumbprint !== account.thumbprint) {
    throw malformed("oldKey is not the account's key");
  }
  const holder = store.accounts.findNewest(newKey.thumbprint);
  if (holder !== undefined) {
    throw malformed('the new key belongs to an account already', {
      status: 409,
      headers: { location: urls.account(holder.id) },
    });
  }
  const changed = store.accounts.put({ ...account, jwk: newKey.jwk, thumbprint: newKey.thumbprint });
  return showAccount(authority, changed, 200);
}
