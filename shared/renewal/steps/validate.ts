import {
  type Authorization,
  answerChallenge,
  describeAuthorizationProblem,
  fetchAuthorizations,
} from '../../acme/authorization.ts';
import type { AcmeSession } from '../../acme/connection.ts';
import { fetchOrder } from '../../acme/order.ts';
import { describeProblem } from '../../acme/problem.ts';
import { Failure } from '../../runtime/errors.ts';
import type { OpenChallenge, RenewalOrder } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import { type IssueStep, resumeOrder } from './issue-step.ts';

/** CAs look from several places, which takes about a second; asking earlier wastes a request. */
const firstLookSeconds = 1;

/** Polls the order, not its authorizations: one request however many names. */
export const awaitValidation: IssueStep = async (context, ports, memory) => {
  const { polls, resumed } = context;
  if (polls === 0 && !resumed)
    return { kind: 'wait', seconds: firstLookSeconds, reason: 'validation begins' };
  const stored = await resumeOrder(context, ports);
  const order = await fetchOrder(stored.session, stored.order.url);
  memory.order = order;
  if (order.status === 'pending') {
    // Whether the CA was told, or lost what it was told, is unknown to a worker that took this step over.
    if (resumed && polls === 0) await answerUnanswered(stored.session, order, context.renewal.challenges);
    return {
      kind: 'wait',
      seconds: pollSeconds(polls, order.retryAfterSeconds),
      reason: 'the CA is validating',
    };
  }
  if (order.status !== 'invalid') return { kind: 'done' };
  refuseFailed(await fetchAuthorizations(stored.session, order.authorizationUrls));
  throw validationFailed(order.problem ? describeProblem(order.problem) : 'the order became invalid');
};

/**
 * Answers the challenges the CA still waits for. One that was answered must not be again: the CA refuses it once
 * the authorization is decided.
 */
export async function answerUnanswered(
  session: AcmeSession,
  order: Pick<RenewalOrder, 'authorizationUrls'>,
  challenges: readonly OpenChallenge[],
): Promise<void> {
  const authorizations = await fetchAuthorizations(session, order.authorizationUrls);
  refuseFailed(authorizations);
  const offered = authorizations.flatMap((authorization) => authorization.challenges);
  const unanswered = new Set(offered.filter(({ status }) => status === 'pending').map(({ url }) => url));
  for (const { challengeUrl } of challenges) {
    if (unanswered.has(challengeUrl)) await answerChallenge(session, challengeUrl);
  }
}

/** @throws Failure `validation-failed`, name by name, if any authorization has come to a bad end */
export function refuseFailed(authorizations: readonly Authorization[]): void {
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
