import type { StepName } from '../renewal.ts';
import type { Step, StepContext } from '../step.ts';
import { collectCertificate, recordCertificate } from './collect.ts';
import { finalize } from './finalize.ts';
import type { IssueMemory, IssuePorts, IssueStep } from './issue-step.ts';
import { place } from './place.ts';
import { stage } from './stage.ts';
import { awaitValidation, presentChallenges, selectChallenges, withdrawChallenges } from './validate.ts';

const issueSteps = {
  'stage-key': stage,
  'place-order': place,
  'select-challenges': selectChallenges,
  'present-challenges': presentChallenges,
  'await-validation': awaitValidation,
  'finalize-order': finalize,
  'collect-certificate': collectCertificate,
  'record-certificate': recordCertificate,
  'withdraw-challenges': withdrawChallenges,
} as const satisfies Partial<Record<StepName, IssueStep>>;

/** The steps of renew-certificate, for one renewal. */
export function createIssueSteps(ports: IssuePorts): Partial<Record<StepName, Step>> {
  const memory: IssueMemory = {};
  return Object.fromEntries(
    Object.entries(issueSteps).map(([name, step]) => [
      name,
      (context: StepContext) => step(context, ports, memory),
    ]),
  );
}
