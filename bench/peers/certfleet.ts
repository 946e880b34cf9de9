import type { CertificatePolicy } from '../../shared/certificates/certificate.ts';
import { beginRenewal } from '../../shared/renewal/renewal.ts';
import { runRenewal } from '../../shared/renewal/run-renewal.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import type { IssuePorts } from '../../shared/renewal/steps/issue-step.ts';
import type { RunnerPorts } from '../../shared/renewal/worker.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { startDeadline } from '../../shared/runtime/deadline.ts';
import { ownCpuMillis, type Peer } from '../peer.ts';

/** As long as a worker's invocation may take. */
const deadlineMillis = 120_000;

/**
 * What renew-certificate does with a message, without the queue around it: the renewal is opened, every step
 * performed and stored, and the renewal handed on to deployment.
 */
export function createCertfleetPeer(ports: { runner: RunnerPorts; issue: IssuePorts }): Peer {
  const { runner, issue } = ports;
  return {
    cpuMillis: ownCpuMillis,
    async prepare(names) {
      for (const name of names) {
        await runner.certificates.track({ name, policy: policyFor(name), now: clock.now() });
      }
    },
    async renew(name) {
      const id = { certificateName: name, generation: 1 };
      const now = clock.now();
      const reason = { code: 'missing', message: 'no certificate has been issued yet' } as const;
      await runner.renewals.open(
        beginRenewal(id, { reason, policy: policyFor(name), now, nextActionAt: now }),
      );
      const deadline = startDeadline(clock, deadlineMillis);
      try {
        const result = await runRenewal({
          ...createIssueSteps(issue),
          work: { ...id, runId: 'bench' },
          owner: name,
          deadline,
          ports: runner,
        });
        if (result.kind === 'failed') throw result.failure;
        if (result.kind !== 'handed-over') throw new Error(`the renewal ended as ${JSON.stringify(result)}`);
      } finally {
        deadline.stop();
      }
    },
  };
}

const policyFor = (name: string): CertificatePolicy => ({
  domains: [name],
  challenge: 'http-01',
  keyType: 'ecdsa-p256',
  targets: [],
  endpoints: [],
});
