import type { DeployTarget } from '../../certificates/certificate.ts';
import type { KeyVault } from '../../certificates/vault.ts';
import { createMaterial } from '../../deploy/material.ts';
import type { DeployTargets } from '../../deploy/targets/registry.ts';
import { Failure } from '../../runtime/errors.ts';
import type { Renewal } from '../renewal.ts';
import type { WorkerSteps } from '../worker.ts';

export interface DeployPorts {
  readonly vault: KeyVault;
  readonly targets: DeployTargets;
  /** Where pairs without a target of their own go; empty: they stay in the vault. */
  readonly defaultTargets: readonly DeployTarget[];
}

/**
 * The step of deploy-certificate: puts the generation's pair on every target. Targets are idempotent, so a
 * repetition costs a comparison each; the failure of one is told after the others were tried.
 */
export const createDeploySteps = (ports: DeployPorts): WorkerSteps => ({
  steps: {
    deploy: async ({ renewal, signal }) => {
      const targets = renewal.policy.targets.length > 0 ? renewal.policy.targets : ports.defaultTargets;
      if (targets.length === 0) return { kind: 'done', changes: { deployedTo: [] } };
      const pair = await readPair(renewal, ports.vault);
      if (pair.generation > renewal.generation) return { kind: 'ended', outcome: 'superseded' };
      const material = createMaterial({ ...pair, name: renewal.certificateName });
      const results = await Promise.allSettled(
        targets.map((target) => ports.targets[target.type].deploy(target, material, signal)),
      );
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      const deployedTo = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value.target] : [],
      );
      return { kind: 'done', changes: { deployedTo } };
    },
  },
});

async function readPair({ certificateName, generation }: Renewal, vault: KeyVault) {
  const pair = await vault.readCurrent(certificateName);
  if (pair && pair.generation >= generation) return pair;
  throw new Failure({
    code: 'pair-missing',
    disposition: 'retry',
    message: `the vault does not show generation ${generation} of ${certificateName} as current yet`,
  });
}
