import type { StepName } from '../renewal.ts';
import type { StepContext } from '../step.ts';
import type { WorkerSteps } from '../worker.ts';
import { chooseCa } from './choose.ts';
import { awaitIssuance, collectCertificate, recordCertificate } from './collect.ts';
import { finalize } from './finalize.ts';
import type { IssueMemory, IssuePorts, IssueStep } from './issue-step.ts';
import { place } from './place.ts';
import { answerChallenges, awaitPropagation, presentChallenges, selectChallenges } from './prove.ts';
import { letGoOfOrder, recover } from './recover.ts';
import { reserveLimits } from './reserve.ts';
import { stage } from './stage.ts';
import { awaitValidation } from './validate.ts';
import { withdrawChallenges } from './withdraw.ts';

const issueSteps = {
  'choose-ca': chooseCa,
  'stage-key': stage,
  'reserve-limits': reserveLimits,
  'place-order': place,
  'select-challenges': selectChallenges,
  'present-challenges': presentChallenges,
  'await-propagation': awaitPropagation,
  'answer-challenges': answerChallenges,
  'await-validation': awaitValidation,
  'finalize-order': finalize,
  'await-issuance': awaitIssuance,
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
    letGo: (renewal, order) => letGoOfOrder(renewal, ports, order),
    recover: (renewal, failure, signal) => recover(renewal, failure, { ports, signal }),
  };
}
