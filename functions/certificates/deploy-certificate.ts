import * as z from 'zod';
import { renewalWork } from '../../events/renewal-work.ts';
import { createSecretsManagerKeyVault } from '../../shared/certificates/vault.secrets-manager.ts';
import { createDeployTargets } from '../../shared/deploy/targets/registry.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createDeploySteps } from '../../shared/renewal/steps/deploy.ts';
import { createWorkHandler } from '../../shared/renewal/work-handler.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';

const config = parseConfig(
  z.object({
    SECRETS_PREFIX: z.string(),
    DEPLOY_DIRECTORY: z.string().optional(),
    /** Programs that reload commands may start, separated by commas; `*`: any. */
    RELOAD_PROGRAMS: z.string().default(''),
  }),
  process.env,
);
const { DEPLOY_DIRECTORY: deployDirectory, SECRETS_PREFIX: prefix } = config;
const vault = createSecretsManagerKeyVault(createSecretStore(createSecretsManager()), prefix);
const reloadPrograms =
  config.RELOAD_PROGRAMS === '*'
    ? undefined
    : config.RELOAD_PROGRAMS.split(',').map((program) => program.trim());
const targets = createDeployTargets({ deployDirectory, reloadPrograms });
const defaultTargets = deployDirectory ? [{ type: 'file' as const }] : [];

export const handler = createWorkHandler({
  message: renewalWork,
  ports: createAwsRunnerPorts(process.env),
  createSteps: () => createDeploySteps({ vault, targets, defaultTargets }),
});
