import { type Authorization, answerChallenge, fetchAuthorizations } from '../../acme/authorization.ts';
import type { AcmeSession } from '../../acme/connection.ts';
import { AcmeFailure } from '../../acme/problem.ts';
import { fulfilled, settleBounded, throwFirstFailure } from '../../runtime/concurrency.ts';
import { Failure } from '../../runtime/errors.ts';
import type { OpenChallenge, Renewal } from '../renewal.ts';
import { type IssueStep, type Presenters, resumeOrder } from './issue-step.ts';
import { leaveValidation } from './rehearse.ts';
import { answerUnanswered, refuseFailed } from './validate.ts';
import { withdrawAll } from './withdraw.ts';

const proofsAtOnce = 10;
/** Proofs of earlier orders that would not go: beyond these the oldest are given up, since an item must stay small. */
const mostRemembered = 200;
/** DNS servers take their time; asking more often only adds to their work. */
const obstaclePollSeconds = 3;

/**
 * Chooses the challenge of every authorization that is not valid yet and has them stored before any is shown.
 * Proofs of an earlier order come off first.
 */
export const selectChallenges: IssueStep = async (context, ports) => {
  const { renewal, signal } = context;
  const { session, order } = await resumeOrder(context, ports);
  const { remaining } = await withdrawAll(renewal.challenges, ports, signal);
  const authorizations = await fetchAuthorizations(session, order.authorizationUrls);
  refuseFailed(authorizations);
  const pending = authorizations.filter(({ status }) => status === 'pending');
  const selected = pending.map((authorization) => ({
    ...selectChallenge(authorization, renewal, session),
    orderUrl: order.url,
  }));
  const changes = { challenges: [...remaining.slice(-mostRemembered), ...selected] };
  return selected.length > 0 ? { kind: 'done', changes } : leaveValidation(context, ports, changes);
};

/** Puts every proof on show. */
export const presentChallenges: IssueStep = async ({ renewal, signal, ensureTime }, { presenters }) => {
  const show = await presenters();
  // Shown after another worker has withdrawn them, they would stay for ever.
  ensureTime();
  const results = await settleBounded(listCurrent(renewal), proofsAtOnce, (challenge) =>
    show[challenge.type].present(challenge, signal),
  );
  throwFirstFailure(results);
  return { kind: 'done' };
};

/** Waits until every proof is where the CA will look for it. */
export const awaitPropagation: IssueStep = async ({ renewal, signal }, { presenters }) => {
  const obstacle = await findObstacle(listCurrent(renewal), await presenters(), signal);
  return obstacle ? { kind: 'wait', seconds: obstaclePollSeconds, reason: obstacle } : { kind: 'done' };
};

/** Tells the CA to look. */
export const answerChallenges: IssueStep = async (context, ports) => {
  const { renewal, resumed } = context;
  const { session, order } = await resumeOrder(context, ports);
  const challenges = listCurrent(renewal);
  context.ensureTime();
  if (resumed) {
    await answerUnanswered(session, order, challenges);
    return { kind: 'done' };
  }
  try {
    for (const { challengeUrl } of challenges) await answerChallenge(session, challengeUrl);
  } catch (error) {
    if (!(error instanceof AcmeFailure)) throw error;
    // A worker that vanished before one that only waited may have answered, and the CA have decided already.
    await answerUnanswered(session, order, challenges);
  }
  return { kind: 'done' };
};

async function findObstacle(
  challenges: readonly OpenChallenge[],
  presenters: Presenters,
  signal: AbortSignal,
): Promise<string | undefined> {
  const results = await settleBounded(challenges, proofsAtOnce, (challenge) =>
    presenters[challenge.type].findObstacle(challenge, signal),
  );
  throwFirstFailure(results);
  const obstacles = fulfilled(results).filter((obstacle) => obstacle !== undefined);
  return obstacles.length > 0 ? obstacles.join('; ') : undefined;
}

/** The challenges of the stored order, without what an earlier one left on show. */
const listCurrent = ({ challenges, order }: Renewal): readonly OpenChallenge[] =>
  challenges.filter(({ orderUrl }) => orderUrl === order?.url);

function selectChallenge(
  authorization: Authorization,
  { policy }: Renewal,
  session: AcmeSession,
): Omit<OpenChallenge, 'orderUrl'> {
  const { domain, challenges } = authorization;
  if (!policy.domains.includes(domain) && !policy.domains.includes(`*.${domain}`)) {
    throw new Failure({
      code: 'ca-protocol',
      disposition: 'retry',
      message: `the CA asks for proof of ${domain}, which was not ordered`,
    });
  }
  const challenge = challenges.find(({ type }) => type === policy.challenge);
  if (!challenge) {
    const offered = challenges.map(({ type }) => type).join(', ');
    throw new Failure({
      code: 'challenge-not-offered',
      disposition: 'give-up',
      message: `the CA offers ${offered || 'no challenge'} for ${domain}, not ${policy.challenge}; change the inventory's challenge`,
    });
  }
  return {
    type: policy.challenge,
    domain,
    token: challenge.token,
    keyAuthorization: session.keyAuthorization(challenge.token),
    dnsPlugin: policy.dnsPlugin,
    challengeUrl: challenge.url,
  };
}
