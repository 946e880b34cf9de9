import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { storageName } from '../../shared/certificates/certificate.ts';
import { createDeployTargets } from '../../shared/deploy/targets/registry.ts';
import { describeDeployTargetContract } from './deploy-target.ts';

const made: string[] = [];
afterAll(() => Promise.all(made.map((directory) => rm(directory, { recursive: true }))));

describeDeployTargetContract('the file target', async () => {
  const deployDirectory = await mkdtemp(join(tmpdir(), 'certfleet-deploy-'));
  made.push(deployDirectory);
  return {
    adapter: createDeployTargets({ deployDirectory }).file,
    target: { type: 'file' },
    served: async (certificateName) => {
      const directory = join(deployDirectory, storageName(certificateName));
      return {
        fullchainPem: await readFile(join(directory, 'fullchain.pem'), 'utf8'),
        privateKeyPem: await readFile(join(directory, 'privkey.pem'), 'utf8'),
      };
    },
  };
});
