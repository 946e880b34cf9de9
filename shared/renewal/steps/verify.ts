import type { Clock } from '../../runtime/clock.ts';
import { Failure } from '../../runtime/errors.ts';
import { listFindings, type VerifyRequest, verifyCertificate } from '../../verify/verify.ts';
import { orderedNames } from '../renewal.ts';
import { pollSeconds } from '../step.ts';
import type { WorkerSteps } from '../worker.ts';

export interface VerifyPorts extends Pick<VerifyRequest, 'connectTo' | 'roots' | 'probe'> {
  readonly clock: Clock;
}

/** Looks before a mismatch counts: a server may take a moment to pick up new files. */
const looks = 4;

/**
 * The step of verify-certificate: every endpoint must serve the issued certificate. Where nothing was deployed
 * and no endpoint is named, there is nothing to look at.
 */
export const createVerifySteps = (ports: VerifyPorts): WorkerSteps => ({
  steps: {
    verify: async ({ renewal, polls, signal }) => {
      const { issued, policy, deployedTo, certificateName } = renewal;
      if (!issued) {
        const message = `${certificateName} reached verification without an issued certificate`;
        throw new Failure({ code: 'unexpected', disposition: 'bug', message });
      }
      if (deployedTo.length === 0 && policy.endpoints.length === 0) return { kind: 'done' };
      const served = { ...policy, domains: orderedNames(renewal) };
      const verification = await verifyCertificate({ ...ports, policy: served, certificate: issued, signal });
      if (verification.verdict === 'verified') {
        return {
          kind: 'done',
          changes: { verifiedAt: verification.endpoints.map(({ endpoint }) => endpoint) },
        };
      }
      const findings = listFindings(verification).join('; ');
      if (polls + 1 < looks)
        return { kind: 'wait', seconds: pollSeconds(polls, undefined), reason: findings };
      throw new Failure({ code: 'endpoint-stale', disposition: 'retry', message: findings });
    },
  },
});
