import { mapBounded } from '../runtime/concurrency.ts';
import { Failure } from '../runtime/errors.ts';
import type { AcmeSession } from './connection.ts';
import { readName } from './identifier.ts';
import { describeProblem, type Problem, readProblem, whileKnown } from './problem.ts';

export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly status: string;
  readonly problem?: Problem | undefined;
}

/** An authorization object (RFC 8555, 7.1.4); `domain` is without `*.`, which `wildcard` tells, or an IP address. */
export interface Authorization {
  readonly url: string;
  readonly domain: string;
  readonly wildcard: boolean;
  readonly status: string;
  readonly challenges: readonly Challenge[];
}

// More at once would drain the nonce pool and cost a new-nonce each.
const authorizationsAtOnce = 4;

/** Authorizations in the order of `urls` (POST-as-GET each). One the CA no longer knows is `order-missing`. */
export const fetchAuthorizations = (
  session: AcmeSession,
  urls: readonly string[],
): Promise<Authorization[]> =>
  mapBounded(urls, authorizationsAtOnce, (url) => fetchAuthorization(session, url));

/** Tells the CA that a proof is in place (RFC 8555, 7.5.1). */
export async function answerChallenge(session: AcmeSession, challengeUrl: string): Promise<void> {
  await session.api.completeChallenge(challengeUrl, {});
}

/** Why an authorization failed, in the CA's words; undefined while it has not. */
export function describeAuthorizationProblem(authorization: Authorization): string | undefined {
  if (['pending', 'valid'].includes(authorization.status)) return undefined;
  const name = `${authorization.wildcard ? '*.' : ''}${authorization.domain}`;
  const problems = authorization.challenges.flatMap((challenge) =>
    challenge.problem ? [`${challenge.type}: ${describeProblem(challenge.problem)}`] : [],
  );
  return `${name} is ${authorization.status}${problems.length > 0 ? ` (${problems.join('; ')})` : ''}`;
}

async function fetchAuthorization(session: AcmeSession, url: string): Promise<Authorization> {
  const { data } = await whileKnown(session.api.getAuthorization(url), url);
  const { identifier, status, challenges, wildcard } = (data ?? {}) as Record<string, unknown>;
  const domain = readName(identifier);
  if (domain === undefined || typeof status !== 'string' || !Array.isArray(challenges)) {
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: `authorization ${url} lacks identifier, status or challenges`,
    });
  }
  return {
    url,
    status,
    domain,
    wildcard: wildcard === true,
    challenges: challenges.map(readChallenge),
  };
}

function readChallenge(entry: Record<string, unknown>): Challenge {
  const error = entry.error as { status?: unknown } | undefined;
  return {
    type: String(entry.type),
    url: String(entry.url),
    token: typeof entry.token === 'string' ? entry.token : '',
    status: String(entry.status),
    problem: error ? readProblem(Number(error.status) || 403, error) : undefined,
  };
}
