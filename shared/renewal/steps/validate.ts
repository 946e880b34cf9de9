import {
  type Authorization,
  answerChallenge,
  describeAuthorizationProblem,
  fetchAuthorizations,
} from '../../acme/authorization.ts';
import type { AcmeSession } from '../../acme/connection.ts';
import { fetchOrder } from '../../acme/order.ts';
import { describeProblem } from '../../acme/problem.ts';
import { asFailure, Failure } from '../../runtime/errors.ts';
import type { OpenChallenge, Renewal } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import { type IssuePorts, type IssueStep, requireOrder } from './issue-step.ts';

/** Chooses the challenge of every authorization that is not valid yet, and has them stored before any is shown. */
export const selectChallenges: IssueStep = async (context, { ca }) => {
  const connection = await ca(context.signal);
  const session = connection.session(context.signal);
  const order = requireOrder(context, connection);
  const authorizations = await fetchAuthorizations(session, order.authorizationUrls);
  refuseFailed(authorizations);
  const pending = authorizations.filter(({ status }) => status === 'pending');
  const challenges = pending.map((authorization) => selectChallenge(authorization, context.renewal, session));
  return {
    kind: 'done',
    changes: { challenges },
    next: challenges.length > 0 ? 'present-challenges' : 'finalize-order',
  };
};

/** Shows every proof, then tells the CA to look. */
export const presentChallenges: IssueStep = async (context, { ca, presenters }) => {
  const { renewal, signal, resumed } = context;
  const connection = await ca(signal);
  const session = connection.session(signal);
  const order = requireOrder(context, connection);
  let { challenges } = renewal;
  if (resumed) {
    // An answered challenge must not be answered again: the CA refuses it once the authorization is decided.
    const authorizations = await fetchAuthorizations(session, order.authorizationUrls);
    refuseFailed(authorizations);
    const unanswered = new Set(
      authorizations
        .flatMap((authorization) => authorization.challenges)
        .filter(({ status }) => status === 'pending')
        .map(({ url }) => url),
    );
    challenges = challenges.filter(({ challengeUrl }) => unanswered.has(challengeUrl));
  }
  const presenter = await presenters();
  await Promise.all(challenges.map((challenge) => presenter[challenge.type].present(challenge, signal)));
  for (const { challengeUrl } of challenges) await answerChallenge(session, challengeUrl);
  return { kind: 'done' };
};

/** CAs look from several places, which takes about a second; asking earlier wastes a request. */
const firstLookSeconds = 1;

/** Polls the order, not its authorizations: one request however many names. */
export const awaitValidation: IssueStep = async (context, { ca, presenters }, memory) => {
  const { renewal, signal, polls, resumed } = context;
  if (polls === 0 && !resumed)
    return { kind: 'wait', seconds: firstLookSeconds, reason: 'validation begins' };
  const connection = await ca(signal);
  const session = connection.session(signal);
  const order = await fetchOrder(session, requireOrder(context, connection).url);
  memory.order = order;
  if (order.status === 'pending') {
    return {
      kind: 'wait',
      seconds: pollSeconds(polls, order.retryAfterSeconds),
      reason: 'the CA is validating',
    };
  }
  if (order.status !== 'invalid') return { kind: 'done' };
  await withdrawAll(renewal, presenters, signal);
  refuseFailed(await fetchAuthorizations(session, order.authorizationUrls));
  throw validationFailed(order.problem ? describeProblem(order.problem) : 'the order became invalid');
};

/** Removes every proof; one that cannot be removed is a warning, not a failure of an issued certificate. */
export const withdrawChallenges: IssueStep = async ({ renewal, signal }, { presenters }) => {
  const problems = await withdrawAll(renewal, presenters, signal);
  return {
    kind: 'done',
    changes: { challenges: [], attempts: 0, warnings: [...renewal.warnings, ...problems] },
  };
};

async function withdrawAll(
  renewal: Renewal,
  presenters: IssuePorts['presenters'],
  signal: AbortSignal,
): Promise<string[]> {
  if (renewal.challenges.length === 0) return [];
  const presenter = await presenters();
  const problems = await Promise.all(
    renewal.challenges.map(async (challenge) => {
      try {
        await presenter[challenge.type].withdraw(challenge, signal);
        return [];
      } catch (error) {
        return [`the ${challenge.type} proof of ${challenge.domain} remains: ${asFailure(error).message}`];
      }
    }),
  );
  return problems.flat();
}

function selectChallenge(
  authorization: Authorization,
  { policy }: Renewal,
  session: AcmeSession,
): OpenChallenge {
  const challenge = authorization.challenges.find(({ type }) => type === policy.challenge);
  if (!challenge) {
    const offered = authorization.challenges.map(({ type }) => type).join(', ');
    throw new Failure({
      code: 'challenge-not-offered',
      disposition: 'give-up',
      message: `the CA offers ${offered || 'no challenge'} for ${authorization.domain}, not ${policy.challenge}; change the inventory's challenge`,
    });
  }
  return {
    type: policy.challenge,
    domain: authorization.domain,
    token: challenge.token,
    keyAuthorization: session.keyAuthorization(challenge.token),
    dnsPlugin: policy.dnsPlugin,
    authorizationUrl: authorization.url,
    challengeUrl: challenge.url,
  };
}

function refuseFailed(authorizations: readonly Authorization[]): void {
  const problems = authorizations.flatMap(
    (authorization) => describeAuthorizationProblem(authorization) ?? [],
  );
  if (problems.length > 0) throw validationFailed(problems.join('; '));
}

const validationFailed = (what: string) =>
  new Failure({
    code: 'validation-failed',
    disposition: 'retry',
    message: `the CA could not validate: ${what}`,
  });
