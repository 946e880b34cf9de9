import { randomBytes } from 'node:crypto';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import { type AcmeReply, type Authority, newId, printInstant } from './authority.ts';
import { decideAuthorizationStatus } from './order-status.ts';
import { malformed, notFound, unauthorized } from './problem.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { type AuthorizationRecord, authorizationIndexKey, type ChallengeRecord } from './store.ts';

const pendingSeconds = 7 * 86_400;
export const validSeconds = 30 * 86_400;
// Boulder reuses an authorization only while an eighth of an order's life is left to it.
const reuseMarginSeconds = 21 * 3600;

/** A reusable valid authorization of the account for this name, else a new pending one. */
export function authorizeName(authority: Authority, accountId: string, name: string): AuthorizationRecord {
  const { clock, store } = authority;
  const wildcard = name.startsWith('*.');
  const domain = wildcard ? name.slice(2) : name;
  const reusable = store.authorizations.findNewest(
    authorizationIndexKey({ accountId, domain, wildcard, status: 'valid' }),
  );
  if (authority.authorizationReuse && reusable !== undefined) {
    const soon = secondsAfter(clock.now(), reuseMarginSeconds);
    if (decideAuthorizationStatus(reusable, soon) === 'valid') return reusable;
  }
  const types = wildcard ? (['dns-01'] as const) : shuffle(authority);
  return store.authorizations.put({
    id: newId(),
    accountId,
    domain,
    wildcard,
    status: 'pending',
    expiresAt: printInstant(secondsAfter(clock.now(), pendingSeconds)),
    challenges: types.map((type) => ({
      type,
      token: randomBytes(32).toString('base64url'),
      status: 'pending',
    })),
  });
}

/** Clients must not rely on the order of challenges. */
function shuffle({ random }: Authority): ChallengeRecord['type'][] {
  const types: ChallengeRecord['type'][] = ['http-01', 'dns-01', 'tls-alpn-01'];
  const first = types.splice(Math.floor(random() * types.length), 1);
  return random() < 0.5 ? [...first, ...types] : [...first, ...types.reverse()];
}

/** The authorization resource (RFC 8555, 7.5 and 7.5.2): read or deactivate. */
export function handleAuthorization(authority: Authority, request: SignedRequest, id: string): AcmeReply {
  const authorization = findOwnAuthorization(authority, request, id);
  if (request.payload === undefined)
    return { status: 200, json: showAuthorization(authority, authorization) };
  if (request.payload.status !== 'deactivated') throw malformed('an authorization can only be deactivated');
  const status = decideAuthorizationStatus(authorization, authority.clock.now());
  if (status !== 'pending' && status !== 'valid') {
    throw malformed(`a ${status} authorization cannot be deactivated`);
  }
  const deactivated = authority.store.authorizations.put({ ...authorization, status: 'deactivated' });
  return { status: 200, json: showAuthorization(authority, deactivated) };
}

/** @throws AcmeProblem when there is none, or another account owns it */
export function findOwnAuthorization(
  { store }: Authority,
  request: SignedRequest,
  id: string,
): AuthorizationRecord {
  const account = requireAccount(request);
  const authorization = store.authorizations.get(id);
  if (authorization === undefined) throw notFound('no such authorization');
  if (authorization.accountId !== account.id) throw unauthorized('the authorization is another account’s');
  return authorization;
}

function showAuthorization(authority: Authority, authorization: AuthorizationRecord) {
  const { id, domain, wildcard, expiresAt, challenges } = authorization;
  // RFC 8555, 7.1.4: once decided, only the challenge that was attempted is of interest.
  const attempted = challenges.filter(({ status }) => status === 'valid' || status === 'invalid');
  return {
    identifier: { type: 'dns', value: domain },
    status: decideAuthorizationStatus(authorization, authority.clock.now()),
    expires: expiresAt,
    challenges: (attempted.length > 0 ? attempted : challenges).map((challenge) =>
      showChallenge(authority, id, challenge),
    ),
    ...(wildcard ? { wildcard } : {}),
  };
}

/** The challenge object (RFC 8555, 8). */
export function showChallenge({ urls }: Authority, authorizationId: string, challenge: ChallengeRecord) {
  const { type, token, status, validatedAt, error } = challenge;
  return {
    type,
    url: urls.challenge(authorizationId, type),
    status,
    token,
    ...(validatedAt === undefined ? {} : { validated: validatedAt }),
    ...(error === undefined ? {} : { error }),
  };
}
