import * as z from 'zod';
import { renewalWork } from '../../events/renewal-work.ts';
import { createAccountConnector } from '../../shared/acme/account.ts';
import { createSecretsManagerAccountStore } from '../../shared/acme/accounts.secrets-manager.ts';
import { createTransport } from '../../shared/acme/transport.ts';
import { createSecretsManagerKeyVault } from '../../shared/certificates/vault.secrets-manager.ts';
import { createAwsPresenters } from '../../shared/challenges/presenters.aws.ts';
import { createAwsRunnerPorts } from '../../shared/renewal/runner-ports.aws.ts';
import { createIssueSteps } from '../../shared/renewal/steps/issue.ts';
import { createWorkHandler } from '../../shared/renewal/work-handler.ts';
import { systemClock as clock } from '../../shared/runtime/clock.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';
import { shareSuccess } from '../../shared/runtime/share-success.ts';

const config = parseConfig(
  z.object({
    ACME_DIRECTORY_URL: z.url({ protocol: /^https$/ }),
    ACME_CONTACT: z.email().optional(),
    /** PEM, for a private CA. */
    ACME_CA_ROOTS: z.string().optional(),
    SECRETS_PREFIX: z.string(),
  }),
  process.env,
);
const ports = createAwsRunnerPorts(process.env);
const secrets = createSecretStore(createSecretsManager());
const account = {
  directoryUrl: config.ACME_DIRECTORY_URL,
  contacts: config.ACME_CONTACT ? [config.ACME_CONTACT] : [],
  transport: createTransport({ roots: config.ACME_CA_ROOTS }),
  accounts: createSecretsManagerAccountStore(secrets, config.SECRETS_PREFIX),
  clock,
};
const ca = createAccountConnector(account);
const vault = createSecretsManagerKeyVault(secrets, config.SECRETS_PREFIX);
const findPresenters = shareSuccess(() => createAwsPresenters(process.env, { secrets, clock }));

export const handler = createWorkHandler({
  message: renewalWork,
  ports,
  createSteps: () =>
    createIssueSteps({ ca, vault, presenters: findPresenters, certificates: ports.certificates, clock }),
});
