import * as z from 'zod';
import { revokeCertificate as revokeCertificateEvent } from '../../events/revoke-certificate.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { createSecretsManagerKeyVault } from '../../shared/certificates/vault.secrets-manager.ts';
import { openAwsAccounts } from '../../shared/renewal/accounts.aws.ts';
import { readAwsAuthorities } from '../../shared/renewal/authorities.aws.ts';
import { revokeCertificate } from '../../shared/renewal/revoke-certificate.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createDynamoDb } from '../../shared/runtime/dynamodb.ts';
import { createHandler } from '../../shared/runtime/handler.ts';
import { logger } from '../../shared/runtime/logger.ts';
import { createSecretStore, createSecretsManager } from '../../shared/runtime/secrets.ts';

const config = parseConfig(
  z.object({ CERTIFICATES_TABLE: z.string(), SECRETS_PREFIX: z.string() }),
  process.env,
);
const dynamoDb = createDynamoDb();
const secrets = createSecretStore(createSecretsManager());
const ports = {
  certificates: createDynamoDbCertificateStore(dynamoDb, config.CERTIFICATES_TABLE),
  vault: createSecretsManagerKeyVault(secrets, config.SECRETS_PREFIX),
  authorities: openAwsAccounts(process.env, readAwsAuthorities(process.env, dynamoDb), secrets),
};

/** By hand only: `sls invoke -f revoke-certificate -d '{"name": …, "reason": …}'`. */
export const handler = createHandler({
  event: revokeCertificateEvent,
  async run(order, { deadline }) {
    const { result, directoryUrl } = await revokeCertificate(order, ports, deadline.signal);
    logger.warn('certificate revoked', { ...order, result, directoryUrl });
    return { ...order, result, directoryUrl };
  },
});
