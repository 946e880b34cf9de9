import type { Authority } from './authority.ts';
import { type AccountKey, importJwk, keyOfJwk } from './jwk.ts';
import { type JsonObject, type Jws, parseJson, parseJws, readPayload, verifySignature } from './jws.ts';
import { AcmeProblem, malformed, unauthorized } from './problem.ts';
import type { AccountRecord } from './records.ts';
import { accountIdOf } from './urls.ts';

/** Who may sign: the holder of an account URL (`kid`), of a bare key (`jwk`), or of either. */
export type SignerRule = 'kid' | 'jwk' | 'either';

export interface IncomingPost {
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** A POST whose signature, nonce and URL have been checked. */
export interface SignedRequest {
  readonly url: string;
  /** Undefined when the request is signed by a bare key. */
  readonly account: AccountRecord | undefined;
  readonly key: AccountKey;
  /** The payload's object; undefined for POST-as-GET. */
  readonly payload: JsonObject | undefined;
  readonly jws: Jws;
}

/** RFC 8555, 6.2 to 6.5. @throws AcmeProblem */
export function authenticate(authority: Authority, rule: SignerRule, post: IncomingPost): SignedRequest {
  if (post.contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/jose+json') {
    throw malformed('requests have the content type application/jose+json', { status: 415 });
  }
  const jws = parseJws(parseJson(post.body, 'the body'));
  const signer = findSigner(authority, rule, jws);
  verifySignature(jws, signer.key);
  spendNonce(authority, jws);
  if (jws.header.url !== post.url) {
    throw unauthorized(`the protected header's url "${jws.header.url}" is not the requested "${post.url}"`);
  }
  return { url: post.url, jws, ...signer, payload: readPayload(jws) };
}

function findSigner(
  authority: Authority,
  rule: SignerRule,
  jws: Jws,
): Pick<SignedRequest, 'account' | 'key'> {
  const { kid, jwk } = jws.header;
  if (kid !== undefined && rule !== 'jwk') return findAccount(authority, kid);
  if (jwk !== undefined && rule !== 'kid') return { account: undefined, key: importJwk(jwk) };
  throw malformed(`this resource is signed with ${rule === 'either' ? '"kid" or "jwk"' : `"${rule}"`}`);
}

function findAccount({ store }: Authority, kid: string): Pick<SignedRequest, 'account' | 'key'> {
  const account = store.accounts.get(accountIdOf(kid) ?? '');
  if (account === undefined) throw new AcmeProblem('accountDoesNotExist', `no account has the URL "${kid}"`);
  if (account.status !== 'valid') throw unauthorized(`the account is ${account.status}`, { status: 401 });
  return { account, key: keyOfJwk(account.jwk) };
}

function spendNonce({ nonces }: Authority, { header }: Jws): void {
  if (header.nonce === undefined) throw new AcmeProblem('badNonce', 'the protected header lacks "nonce"');
  if (!nonces.redeem(header.nonce)) {
    throw new AcmeProblem('badNonce', 'the nonce is unknown, spent or refused; try again with the new one');
  }
}

/** The signing account of a resource that only accounts may use. */
export function requireAccount(request: SignedRequest): AccountRecord {
  if (request.account === undefined) throw malformed('this resource is signed with "kid"');
  return request.account;
}
