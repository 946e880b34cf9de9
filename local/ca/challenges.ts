import { secondsAfter } from '../../shared/runtime/clock.ts';
import { type AcmeReply, type Authority, type InterruptedValidation, printInstant } from './authority.ts';
import { countFailedAuthorization, findOwnAuthorization, showChallenge } from './authorizations.ts';
import { decideAuthorizationStatus } from './order-status.ts';
import { forgetFailures, orderedName } from './pauses.ts';
import { notFound, type ProblemDocument } from './problem.ts';
import { profileOf } from './profiles.ts';
import type { AuthorizationRecord, ChallengeRecord } from './records.ts';
import type { SignedRequest } from './signed-request.ts';
import type { Store } from './store.ts';
import { validate } from './validation/validate.ts';

/** The challenge resource (RFC 8555, 7.5.1): `{}` starts validation, POST-as-GET reads. */
export function handleChallenge(
  authority: Authority,
  request: SignedRequest,
  address: { authorizationId: string; type: string },
): AcmeReply {
  const authorization = findOwnAuthorization(authority, request, address.authorizationId);
  const challenge = authorization.challenges.find(({ type }) => type === address.type);
  if (challenge === undefined) throw notFound('no such challenge');
  const startable =
    request.payload !== undefined &&
    challenge.status === 'pending' &&
    decideAuthorizationStatus(authorization, authority.clock.now()) === 'pending';
  const shown = startable ? startChallenge(authority, authorization, challenge) : challenge;
  return {
    status: 200,
    json: showChallenge(authority, authorization.id, shown),
    links: [`<${authority.urls.authorization(authorization.id)}>;rel="up"`],
  };
}

function startChallenge(
  authority: Authority,
  authorization: AuthorizationRecord,
  challenge: ChallengeRecord,
): ChallengeRecord {
  const processing: ChallengeRecord = { ...challenge, status: 'processing' };
  authority.store.authorizations.put(withChallenge(authorization, processing));
  validateInBackground(authority, authorization.id, { challenge: processing, settles: 'any result' });
  return processing;
}

/** Opens again what an earlier process was validating when it died; answers it by account id. */
export function reopenInterrupted({ authorizations }: Store): Map<string, InterruptedValidation[]> {
  const interrupted = new Map<string, InterruptedValidation[]>();
  for (const authorization of [...authorizations.values()]) {
    const found = authorization.challenges.find(({ status }) => status === 'processing');
    if (authorization.status !== 'pending' || found === undefined) continue;
    const challenge: ChallengeRecord = { ...found, status: 'pending' };
    authorizations.put(withChallenge(authorization, challenge));
    const validations = interrupted.get(authorization.accountId) ?? [];
    validations.push({ authorizationId: authorization.id, challenge });
    interrupted.set(authorization.accountId, validations);
  }
  return interrupted;
}

/**
 * Looks for the proofs of interrupted validations once their account is back: its proofs may have died with it,
 * so only success counts, and a client that answers the challenge again is served as ever.
 */
export function retryInterrupted(authority: Authority, accountId: string): void {
  const validations = authority.interrupted.get(accountId) ?? [];
  authority.interrupted.delete(accountId);
  for (const { authorizationId, challenge } of validations) {
    validateInBackground(authority, authorizationId, { challenge, settles: 'success' });
  }
}

function validateInBackground(
  authority: Authority,
  authorizationId: string,
  attempt: { challenge: ChallengeRecord; settles: 'any result' | 'success' },
): void {
  const { store, background, validation } = authority;
  const { challenge, settles } = attempt;
  background.start(async (signal) => {
    const authorization = store.authorizations.get(authorizationId);
    const account = store.accounts.get(authorization?.accountId ?? '');
    // RFC 8555, 7.3.6: what a deactivated account began ends with it.
    if (authorization === undefined || account?.status !== 'valid') return;
    const { type, token } = challenge;
    const keyAuthorization = `${token}.${account.thumbprint}`;
    const target = { type, token, domain: authorization.domain, keyAuthorization };
    const error = await validate(target, validation, signal);
    // A stopping CA has learnt nothing about the domain; the next process asks again.
    if (signal.aborted || (error !== undefined && settles === 'success')) return;
    settleChallenge(authority, authorizationId, { challenge, error });
  });
}

function settleChallenge(
  authority: Authority,
  authorizationId: string,
  result: { challenge: ChallengeRecord; error: ProblemDocument | undefined },
): void {
  const { clock, store, profiles } = authority;
  const authorization = store.authorizations.get(authorizationId);
  // Deactivated, or decided by another of its challenges, while this one was being validated.
  if (authorization?.status !== 'pending') return;
  const now = clock.now();
  const { challenge, error } = result;
  const settled: ChallengeRecord = {
    ...challenge,
    status: error === undefined ? 'valid' : 'invalid',
    validatedAt: printInstant(now),
    ...(error === undefined ? {} : { error }),
  };
  const { validAuthorizationSeconds } = profileOf(profiles, authorization.profile);
  store.authorizations.put({
    ...withChallenge(authorization, settled),
    status: error === undefined ? 'valid' : 'invalid',
    expiresAt:
      error === undefined
        ? printInstant(secondsAfter(now, validAuthorizationSeconds))
        : authorization.expiresAt,
  });
  if (error !== undefined) countFailedAuthorization(authority, authorization);
  else forgetFailures(authority, authorization.accountId, orderedName(authorization));
}

function withChallenge(authorization: AuthorizationRecord, changed: ChallengeRecord): AuthorizationRecord {
  const challenges = authorization.challenges.map((challenge) =>
    challenge.type === changed.type ? changed : challenge,
  );
  return { ...authorization, challenges };
}
