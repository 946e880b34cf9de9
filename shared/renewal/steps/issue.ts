import type { StepName } from '../renewal.ts';
import type { StepContext } from '../step.ts';
import type { WorkerSteps } from '../worker.ts';
import { collectCertificate, recordCertificate } from './collect.ts';
import { finalize } from './finalize.ts';
import type { IssueMemory, IssuePorts, IssueStep } from './issue-step.ts';
import { place } from './place.ts';
import { answerChallenges, presentChallenges, selectChallenges } from './prove.ts';
import { stage } from './stage.ts';
import { awaitValidation } from './validate.ts';
import { withdrawAll, withdrawChallenges } from './withdraw.ts';

const issueSteps = {
  'stage-key': stage,
  'place-order': place,
  'select-challenges': selectChallenges,
  'present-challenges': presentChallenges,
  'answer-challenges': answerChallenges,
  'await-validation': awaitValidation,
  'finalize-order': finalize,
  'collect-certificate': collectCertificate,
  'record-certificate': recordCertificate,
  'withdraw-challenges': withdrawChallenges,
} as const satisfies Partial<Record<StepName, IssueStep>>;

/** What renew-certificate does for one renewal. */
export function createIssueSteps(ports: IssuePorts): WorkerSteps {
  const memory: IssueMemory = {};
  return {
    steps: Object.fromEntries(
      Object.entries(issueSteps).map(([name, step]) => [
        name,
        (context: StepContext) => step(context, ports, memory),
      ]),
    ),
    withdraw: (challenges, signal) => withdrawAll(challenges, ports, signal),
  };
}
