import { mapBounded } from '../../runtime/concurrency.ts';
import { asFailure } from '../../runtime/errors.ts';
import type { OpenChallenge } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import { addWarnings } from '../warnings.ts';
import type { IssuePorts, IssueStep } from './issue-step.ts';

const withdrawalsAtOnce = 10;

/** Nobody comes back to a proof that stays on show, so chance gets more than one try. */
const tries = 3;

/** Removes every proof; one that cannot be removed is a warning, not a failure of an issued certificate. */
export const withdrawChallenges: IssueStep = async ({ renewal, polls, signal }, ports) => {
  const { remaining, problems } = await withdrawAll(renewal.challenges, ports, signal);
  if (remaining.length > 0 && polls + 1 < tries) {
    const changes = { challenges: remaining };
    return { kind: 'wait', seconds: pollSeconds(polls, undefined), reason: problems.join('; '), changes };
  }
  return {
    kind: 'done',
    changes: { challenges: remaining, attempts: 0, warnings: addWarnings(renewal.warnings, problems) },
  };
};

/**
 * Takes proofs off show by their value; answers those that would not go.
 * @throws the signal's reason when time runs out, so that the rest is tried again
 */
export async function withdrawAll(
  challenges: readonly OpenChallenge[],
  ports: Pick<IssuePorts, 'presenters'>,
  signal: AbortSignal,
): Promise<{ readonly remaining: readonly OpenChallenge[]; readonly problems: readonly string[] }> {
  if (challenges.length === 0) return { remaining: [], problems: [] };
  const presenters = ports.presenters();
  const results = await mapBounded(challenges, withdrawalsAtOnce, async (challenge) => {
    try {
      await (await presenters)[challenge.type].withdraw(challenge, signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      const problem = `the ${challenge.type} proof of ${challenge.domain} remains: ${asFailure(error).message}`;
      return { challenge, problem };
    }
  });
  const failed = results.filter((result) => result !== undefined);
  return {
    remaining: failed.map(({ challenge }) => challenge),
    problems: failed.map(({ problem }) => problem),
  };
}
