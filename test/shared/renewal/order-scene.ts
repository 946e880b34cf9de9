import type { AcmeCa } from '../../../local/ca/ca.ts';
import type { IssuedCertificate } from '../../../shared/certificates/certificate.ts';
import type { CaLimits } from '../../../shared/limits/published-limits.ts';
import type { Renewal } from '../../../shared/renewal/renewal.ts';
import { runRenewal } from '../../../shared/renewal/run-renewal.ts';
import type { Presenters } from '../../../shared/renewal/steps/issue-step.ts';
import type { WorkerSteps } from '../../../shared/renewal/worker.ts';
import { startDeadline } from '../../../shared/runtime/deadline.ts';
import { anIssuedCertificate, aPolicy, aRenewal } from '../../support/builders.ts';
import { hurriedClock as clock, createIssueScene, issueStepsOf } from '../../support/issue-scene.ts';
import type { IssueWorld } from '../../support/issue-world.ts';

export type OrderWorld = IssueWorld & { readonly ca: AcmeCa };
let names = 0;
let attempts = 0;

/** Renewals of one deployment, each of a name of its own, as far as renew-certificate carries them. */
export function createOrderScene(world: OrderWorld, limits?: CaLimits) {
  const scene = createIssueScene({ world, ...(limits && { limits }) });
  return {
    ...scene,
    /** Opens a renewal; of the second generation where there is a `current` certificate. */
    async open(given: { current?: Partial<IssuedCertificate>; renewal?: Partial<Renewal> } = {}) {
      const name = `ordered-${++names}.example.com`;
      const policy = aPolicy({ domains: [name] });
      const work = { certificateName: name, generation: given.current ? 2 : 1, runId: 'run-1' };
      await scene.certificates.track({ name, policy, now: clock.now() });
      const read = await scene.certificates.get(name);
      if (given.current && read) {
        const issued = anIssuedCertificate({ domains: [name], ...given.current });
        await scene.certificates.recordIssued({ read, issued, nextActionAt: clock.now() });
      }
      const reason = { code: 'forced', message: 'asked for by hand' } as const;
      const id = { certificateName: name, generation: work.generation };
      await scene.renewals.open(aRenewal({ ...id, policy, reason, ...given.renewal }));
      return work;
    },
    /** One invocation, which finds the renewal awake; `steps` in place of its own. */
    async run(
      work: { certificateName: string; generation: number; runId: string },
      given: { steps?: WorkerSteps['steps']; presenters?: (own: Presenters) => Promise<Presenters> } = {},
    ) {
      await scene.renewals.wake(work, clock.now());
      const deadline = startDeadline(clock, 60_000 * 20);
      const { presenters } = given;
      const issue = presenters
        ? { ...scene.issue, presenters: async () => presenters(await scene.issue.presenters()) }
        : scene.issue;
      const own = issueStepsOf({ ...scene, issue });
      const steps = { ...own.steps, ...given.steps };
      try {
        const owner = `worker ${++attempts}`;
        return await runRenewal({ work, owner, deadline, ports: scene.runner, ...own, steps });
      } finally {
        deadline.stop();
      }
    },
  };
}
