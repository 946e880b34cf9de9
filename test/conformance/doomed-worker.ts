import { createDeployTargets } from '../../shared/deploy/targets/registry.ts';
import { createAwsIssuePorts } from '../../shared/renewal/issue-ports.aws.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createDeploySteps } from '../../shared/renewal/steps/deploy.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import { createVerifySteps } from '../../shared/renewal/steps/verify.ts';
import { createMemoryWorkQueue } from '../../shared/renewal/work-queue.memory.ts';
import type { RenewalWork } from '../../shared/renewal/work-queue.ts';
import { type Clock, systemClock } from '../../shared/runtime/clock.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { asFailure } from '../../shared/runtime/errors.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';
import { createSaboteur, type Fault } from '../support/faults.ts';
import { sabotageRunnerPorts, sabotageSteps } from '../support/sabotage.ts';

/**
 * A worker process that carries renewals on message, with the adapters of the three worker functions and all of
 * their steps. Told to stop at a point of a step, it says that it has come there and stands still, to be killed.
 */
export interface Task {
  readonly work: RenewalWork;
  readonly stopAt?: Fault;
}

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'done'; readonly certificateName: string; readonly result: unknown };

const env = process.env;
const clock: Clock = {
  ...systemClock,
  sleep: (millis, signal) => systemClock.sleep(millis / 10, signal),
};
const dynamoDb = createDynamoDb();
const runner = { ...createAwsRunnerPorts(env, dynamoDb), queue: createMemoryWorkQueue(), clock };
const secrets = createSecretStore(createSecretsManager());
const issuePorts = createAwsIssuePorts(env, { ...runner, dynamoDb, secrets });
const { vault } = issuePorts;
const deploySteps = createDeploySteps({
  vault,
  targets: createDeployTargets({ deployDirectory: env.DEPLOY_DIRECTORY }),
  defaultTargets: [{ type: 'file' }],
});
const verifySteps = createVerifySteps({
  connectTo: { host: '127.0.0.1', port: Number(env.VERIFY_PORT) },
  roots: env.ACME_CA_ROOTS,
  clock,
});

const tell = (report: Report) => process.send?.(report);

async function carry({ work, stopAt }: Task): Promise<void> {
  const saboteur = createSaboteur(stopAt ? [stopAt] : [], { ca: { faults: { add: neverAsked } }, names: [] });
  void saboteur.nextStop().then(() => tell({ kind: 'stopped' }));
  const sabotaged = sabotageRunnerPorts(runner, saboteur);
  const issueSteps = createIssueSteps(issuePorts);
  const steps = { ...issueSteps.steps, ...deploySteps.steps, ...verifySteps.steps };
  const deadline = startDeadline(systemClock, 60_000);
  try {
    const result = await runRenewal({
      work,
      ...sabotageSteps({ ...issueSteps, steps }, sabotaged),
      owner: `process ${process.pid}`,
      deadline,
      ports: sabotaged.runner,
    });
    tell({ kind: 'done', certificateName: work.certificateName, result });
  } catch (error) {
    tell({ kind: 'done', certificateName: work.certificateName, result: asFailure(error).message });
  } finally {
    deadline.stop();
  }
}

function neverAsked(): never {
  throw new Error('this CA loses no answers');
}

process.on('message', (task) => void carry(task as Task));
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });
