import { beforeAll, describe, expect, it } from 'vitest';
import type { DeployTarget } from '../../shared/certificates/certificate.ts';
import { type CertificateMaterial, createMaterial } from '../../shared/deploy/material.ts';
import type { DeployTargetAdapter } from '../../shared/deploy/target.ts';
import { createTestCa } from '../support/test-ca.ts';

export interface DeployTargetUnderTest<Target extends DeployTarget> {
  readonly adapter: DeployTargetAdapter<Target>;
  readonly target: Target;
  /** What a client of the server would be shown now. */
  served(certificateName: string): Promise<Pick<CertificateMaterial, 'fullchainPem' | 'privateKeyPem'>>;
}

/** What every deploy target promises. */
export function describeDeployTargetContract<Target extends DeployTarget>(
  name: string,
  make: () => Promise<DeployTargetUnderTest<Target>>,
): void {
  describe(`${name} as a deploy target`, () => {
    const signal = new AbortController().signal;
    let first: CertificateMaterial;
    let second: CertificateMaterial;

    beforeAll(async () => {
      const ca = await createTestCa();
      const material = async () =>
        createMaterial({ name: '*.example.com', ...(await ca.issue({ domains: ['*.example.com'] })) });
      [first, second] = [await material(), await material()];
    });

    it('serves the pair it was given', async () => {
      const { adapter, target, served } = await make();
      const result = await adapter.deploy(target, first, signal);
      expect(result).toMatchObject({ result: 'deployed', target: adapter.describe(target, first.name) });
      expect(await served(first.name)).toMatchObject(pairOf(first));
    });

    it('changes nothing when it is given the same pair again', async () => {
      const { adapter, target, served } = await make();
      await adapter.deploy(target, first, signal);
      expect(await adapter.deploy(target, first, signal)).toMatchObject({ result: 'unchanged' });
      expect(await served(first.name)).toMatchObject(pairOf(first));
    });

    it('replaces a pair by the next and by the one before', async () => {
      const { adapter, target, served } = await make();
      for (const material of [first, second, first]) {
        expect(await adapter.deploy(target, material, signal)).toMatchObject({ result: 'deployed' });
        expect(await served(first.name)).toMatchObject(pairOf(material));
      }
    });

    it('refuses a key that is not the leaf\u2019s and goes on serving what it served', async () => {
      const { adapter, target, served } = await make();
      await adapter.deploy(target, first, signal);
      const mixed = { ...second, privateKeyPem: first.privateKeyPem };
      await expect(adapter.deploy(target, mixed, signal)).rejects.toMatchObject({ code: 'key-mismatch' });
      expect(await served(first.name)).toMatchObject(pairOf(first));
    });

    it('names a target the same way every time', async () => {
      const { adapter, target } = await make();
      expect(adapter.describe(target, first.name)).toBe(adapter.describe(target, first.name));
      expect(adapter.describe(target, first.name)).toMatch(new RegExp(`^${target.type}:.`));
    });

    it('does nothing for a caller that has given up', async () => {
      const { adapter, target, served } = await make();
      await adapter.deploy(target, first, signal);
      await expect(adapter.deploy(target, second, AbortSignal.abort())).rejects.toThrow();
      expect(await served(first.name)).toMatchObject(pairOf(first));
    });
  });
}

const pairOf = ({ fullchainPem, privateKeyPem }: CertificateMaterial) => ({ fullchainPem, privateKeyPem });
