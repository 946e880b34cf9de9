import { createMemoryCertificateStore } from '../../../shared/certificates/store.memory.ts';
import type { StepName } from '../../../shared/renewal/renewal.ts';
import { runRenewal } from '../../../shared/renewal/run-renewal.ts';
import type { Step } from '../../../shared/renewal/step.ts';
import { createMemoryRenewalStore } from '../../../shared/renewal/store.memory.ts';
import { createMemoryWorkQueue } from '../../../shared/renewal/work-queue.memory.ts';
import type { RunResult, WorkerSteps } from '../../../shared/renewal/worker.ts';
import { createMemoryRunStore } from '../../../shared/report/runs.memory.ts';
import { Failure } from '../../../shared/runtime/errors.ts';
import { aPolicy, aRenewal, noon } from '../../support/builders.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

export const name = 'www.example.com';
export const work = { certificateName: name, generation: 1, runId: 'run-1' };
let attempts = 0;
export const failure = (code: string, more: object = {}) =>
  new Failure({ code, disposition: 'retry', message: `it is ${code}`, ...more });

/** One open renewal, and a runner that performs the steps a test hands it. */
export async function createScene() {
  const clock = createFakeClock(noon);
  const ports = {
    certificates: createMemoryCertificateStore(),
    renewals: createMemoryRenewalStore(),
    runs: createMemoryRunStore(),
    queue: createMemoryWorkQueue(),
    clock,
    random: () => 0.5,
  };
  const performed: string[] = [];
  const follow = (step: StepName, act: Step = async () => ({ kind: 'done' })): [StepName, Step] => [
    step,
    (context) => {
      performed.push(context.resumed ? `${step} resumed` : step);
      return act(context);
    },
  ];
  const run = (
    steps: [StepName, Step][],
    {
      remainingMillis = 100_000,
      ...hooks
    }: { remainingMillis?: number } & Pick<WorkerSteps, 'letGo' | 'recover'> = {},
  ): Promise<RunResult> => {
    const endsAt = clock.now().getTime() + remainingMillis;
    return runRenewal({
      work,
      steps: Object.fromEntries(steps),
      ...hooks,
      owner: `attempt ${++attempts}`,
      deadline: {
        signal: new AbortController().signal,
        remainingMillis: () => endsAt - clock.now().getTime(),
      },
      ports,
    });
  };
  await ports.certificates.track({ name, policy: aPolicy(), now: noon });
  await ports.renewals.open(aRenewal());
  return { clock, ports, performed, follow, run, stored: () => ports.renewals.get(work) };
}
