import { manageAccount } from '../../events/manage-account.ts';
import { deactivateAccount, rollOverAccountKey } from '../../shared/acme/account-lifecycle.ts';
import { findAuthority } from '../../shared/acme/catalogue.ts';
import { describeAwsAccounts } from '../../shared/renewal/accounts.aws.ts';
import { readAwsAuthorities } from '../../shared/renewal/authorities.aws.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';

const authorities = readAwsAuthorities(process.env, createDynamoDb());
const secrets = createSecretStore(createSecretsManager());
const describeAccount = describeAwsAccounts(process.env, authorities, secrets);
const actions = { 'roll-over-key': rollOverAccountKey, deactivate: deactivateAccount };

/** By hand only: `sls invoke -f manage-account -d '{"action": "roll-over-key"}'`. */
export const handler = createHandler({
  event: manageAccount,
  async run({ action, ca }, { deadline }) {
    const { directoryUrl } = findAuthority(ca ?? process.env.ACME_DIRECTORY_URL ?? '');
    await actions[action](describeAccount(findAuthority(directoryUrl)), deadline.signal);
    logger.warn('account changed', { action, directoryUrl });
    return { action, directoryUrl };
  },
});
