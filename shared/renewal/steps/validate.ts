import {
  type Authorization,
  answerChallenge,
  describeAuthorizationProblem,
  fetchAuthorizations,
} from '../../acme/authorization.ts';
import type { AcmeSession } from '../../acme/connection.ts';
import { fetchOrder } from '../../acme/order.ts';
import { describeProblem } from '../../acme/problem.ts';
import { ValidationFailed } from '../recovery.ts';
import type { OpenChallenge, RenewalOrder } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import { chosenAuthority, type IssueStep, resumeOrder } from './issue-step.ts';
import { leaveValidation } from './rehearse.ts';

/**
 * Waits until the CA has looked. The first look is finalize itself: a CA refuses it while the order is not ready
 * (RFC 8555, 7.4, `orderNotReady`), and saves a request when it is. Later ones poll the order, not its
 * authorizations: one request however many names.
 */
export const awaitValidation: IssueStep = async (context, ports, memory) => {
  const { polls, resumed, renewal } = context;
  const { directoryUrl } = chosenAuthority(renewal);
  const firstSeconds = ports.patience.secondsFor(directoryUrl, 'validation');
  if (polls === 0 && !resumed) {
    return { kind: 'wait', seconds: firstSeconds, reason: 'the CA begins to validate' };
  }
  if (!resumed && !memory.firstLook && !renewal.ca?.rehearsal) {
    memory.firstLook = 'due';
    return { kind: 'done' };
  }
  const stored = await resumeOrder(context, ports);
  const order = await fetchOrder(stored.session, stored.order.url);
  memory.order = order;
  if (order.status === 'pending') {
    // Whether the CA was told, or lost what it was told, is unknown to a worker that took this step over.
    if (resumed && polls === 0) await answerUnanswered(stored.session, order, context.renewal.challenges);
    return {
      kind: 'wait',
      seconds: pollSeconds(polls, order.retryAfterSeconds, firstSeconds),
      reason: 'the CA is validating',
    };
  }
  if (order.status !== 'invalid') return leaveValidation(context, ports);
  refuseFailed(await fetchAuthorizations(stored.session, order.authorizationUrls));
  const what = order.problem ? describeProblem(order.problem) : 'the order became invalid';
  throw new ValidationFailed(what, { names: [], problemTypes: order.problem ? [order.problem.type] : [] });
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

/** @throws ValidationFailed, name by name, if any authorization has come to a bad end */
export function refuseFailed(authorizations: readonly Authorization[]): void {
  const failed = authorizations.flatMap((authorization) => {
    const problem = describeAuthorizationProblem(authorization);
    return problem === undefined ? [] : [{ authorization, problem }];
  });
  if (failed.length === 0) return;
  const what = failed.map(({ problem }) => problem).join('; ');
  throw new ValidationFailed(what, {
    names: failed.map(({ authorization: { wildcard, domain } }) => `${wildcard ? '*.' : ''}${domain}`),
    problemTypes: failed.flatMap(({ authorization }) =>
      authorization.challenges.flatMap(({ problem }) => problem?.type ?? []),
    ),
  });
}
