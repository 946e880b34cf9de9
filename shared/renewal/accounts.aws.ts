import * as z from 'zod';
import { createAccountConnector } from '../acme/account.ts';
import { createKmsClient, createSignerFor } from '../acme/account-key.kms.ts';
import { createSecretsManagerAccountStore } from '../acme/accounts.secrets-manager.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import type { AwsAuthorities } from './authorities.aws.ts';
import { type Authorities, createAuthorities } from './authorities.ts';

const settings = z.object({
  SECRETS_PREFIX: z.string(),
  ACME_CONTACT: z.email().optional(),
  /** The KMS key that new accounts are held by. */
  ACME_ACCOUNT_KMS_KEY: z.string().optional(),
});

/** The deployment's accounts at its CAs. @throws Failure `invalid-configuration` */
export function openAwsAccounts(
  env: Environment,
  { preferred, connectionOptions }: AwsAuthorities,
  secrets: SecretStore,
): Authorities {
  const config = parseConfig(settings, env);
  const shared = {
    accounts: createSecretsManagerAccountStore(secrets, config.SECRETS_PREFIX),
    contacts: config.ACME_CONTACT ? [config.ACME_CONTACT] : [],
    signerFor: createSignerFor(createKmsClient()),
    newAccountKmsKeyId: config.ACME_ACCOUNT_KMS_KEY,
  };
  return createAuthorities(preferred, (authority) =>
    createAccountConnector({ ...connectionOptions(authority), ...shared }),
  );
}
