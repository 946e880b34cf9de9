import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { secondsAfter } from '../../shared/runtime/clock.ts';
import type { Random } from '../../shared/runtime/random.ts';
import { type AcmeReply, type Authority, newId, printInstant } from './authority.ts';
import { identifierOf } from './identifiers.ts';
import { spendFailure } from './issuance-limits.ts';
import { decideAuthorizationStatus } from './order-status.ts';
import { countTowardsPause, orderedName } from './pauses.ts';
import { malformed, notFound, unauthorized } from './problem.ts';
import { profileOf } from './profiles.ts';
import type { AuthorizationRecord, ChallengeRecord } from './records.ts';
import { requireAccount, type SignedRequest } from './signed-request.ts';
import { authorizationIndexKey } from './store.ts';

export interface NameToAuthorize {
  readonly accountId: string;
  readonly name: string;
  /** As the order names it. */
  readonly profile: string | undefined;
}

/** A reusable valid authorization of the account for this name and profile, else a new one. */
export function authorizeName(authority: Authority, wanted: NameToAuthorize): AuthorizationRecord {
  const { clock, store, preauthorized } = authority;
  const { accountId, name, profile } = wanted;
  const wildcard = name.startsWith('*.');
  const domain = wildcard ? name.slice(2) : name;
  const lives = profileOf(authority.profiles, profile);
  const reusable = store.authorizations.findNewest(
    authorizationIndexKey({ accountId, domain, wildcard, status: 'valid', profile: profile ?? '' }),
  );
  if (authority.authorizationReuse && reusable !== undefined) {
    const soon = secondsAfter(clock.now(), reuseMarginSeconds(lives.orderSeconds));
    if (decideAuthorizationStatus(reusable, soon) === 'valid') return reusable;
  }
  const lifeSeconds = preauthorized ? lives.validAuthorizationSeconds : lives.pendingAuthorizationSeconds;
  return store.authorizations.put({
    id: newId(),
    accountId,
    domain,
    wildcard,
    ...(profile === undefined ? {} : { profile }),
    status: preauthorized ? 'valid' : 'pending',
    expiresAt: printInstant(secondsAfter(clock.now(), lifeSeconds)),
    challenges: preauthorized ? [] : offerChallenges(authority, name),
  });
}

/** Boulder reuses an authorization only while an eighth of an order's life is left to it, 1 to 24 hours. */
const reuseMarginSeconds = (orderSeconds: number): number =>
  Math.min(Math.max(orderSeconds / 8, 3600), 24 * 3600);

/** Wildcards are proved by DNS alone; addresses not by it (RFC 8738, 7). Clients must not rely on the order. */
function offerChallenges({ random }: Authority, name: string): ChallengeRecord[] {
  const types: ChallengeRecord['type'][] = name.startsWith('*.')
    ? ['dns-01']
    : isIP(name) !== 0
      ? shuffle(['http-01', 'tls-alpn-01'], random)
      : shuffle(['http-01', 'dns-01', 'tls-alpn-01'], random);
  return types.map((type) => ({ type, token: randomBytes(32).toString('base64url'), status: 'pending' }));
}

function shuffle(types: ChallengeRecord['type'][], random: Random): ChallengeRecord['type'][] {
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
  // Boulder counts what was given up like what failed.
  if (status === 'pending') countFailedAuthorization(authority, authorization);
  const deactivated = authority.store.authorizations.put({ ...authorization, status: 'deactivated' });
  return { status: 200, json: showAuthorization(authority, deactivated) };
}

/** A failure counts for the hour and towards a pause. */
export function countFailedAuthorization(authority: Authority, authorization: AuthorizationRecord): void {
  const name = orderedName(authorization);
  spendFailure(authority, authorization.accountId, name);
  countTowardsPause(authority, authorization.accountId, name);
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
    identifier: identifierOf(domain),
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
