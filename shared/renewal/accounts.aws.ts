import * as z from 'zod';
import { createAccountConnector } from '../acme/account.ts';
import { createSignerFor } from '../acme/account-key.kms.ts';
import { createSecretsManagerAccountStore } from '../acme/accounts.secrets-manager.ts';
import type { CertificateAuthority } from '../acme/catalogue.ts';
import type { AccountOptions } from '../acme/registration.ts';
import { type Environment, parseConfig } from '../runtime/config.ts';
import { createKms } from '../runtime/kms.ts';
import type { SecretStore } from '../runtime/secrets.ts';
import type { AwsAuthorities } from './authorities.aws.ts';
import { type Authorities, createAuthorities } from './authorities.ts';

const settings = z.object({
  SECRETS_PREFIX: z.string(),
  ACME_CONTACT: z.email().optional(),
  /** The KMS key that new accounts are held by. */
  ACME_ACCOUNT_KMS_KEY: z.string().optional(),
});

/** How an account at a CA is found, opened and changed. */
export type DescribeAccount = (authority: CertificateAuthority) => AccountOptions;

/** @throws Failure `invalid-configuration` */
export function describeAwsAccounts(
  env: Environment,
  { connectionOptions }: Pick<AwsAuthorities, 'connectionOptions'>,
  secrets: SecretStore,
): DescribeAccount {
  const config = parseConfig(settings, env);
  const shared = {
    accounts: createSecretsManagerAccountStore(secrets, config.SECRETS_PREFIX),
    contacts: config.ACME_CONTACT ? [config.ACME_CONTACT] : [],
    signerFor: createSignerFor(createKms()),
    newAccountKmsKeyId: config.ACME_ACCOUNT_KMS_KEY,
  };
  return (authority) => ({ ...connectionOptions(authority), ...shared });
}

/** The deployment's accounts at its CAs. @throws Failure `invalid-configuration` */
export function openAwsAccounts(
  env: Environment,
  authorities: AwsAuthorities,
  secrets: SecretStore,
): Authorities {
  const describe = describeAwsAccounts(env, authorities, secrets);
  return createAuthorities(authorities.preferred, (authority) => createAccountConnector(describe(authority)));
}
