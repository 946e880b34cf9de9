import { randomUUID } from 'node:crypto';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll } from 'vitest';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { createMemoryAccountStore } from '../../shared/acme/accounts.memory.ts';
import { createSecretsManagerAccountStore } from '../../shared/acme/accounts.secrets-manager.ts';
import { createDynamoDbCertificateStore } from '../../shared/certificates/store.dynamodb.ts';
import { createMemoryCertificateStore } from '../../shared/certificates/store.memory.ts';
import { createMemoryKeyVault } from '../../shared/certificates/vault.memory.ts';
import { createSecretsManagerKeyVault } from '../../shared/certificates/vault.secrets-manager.ts';
import { createDynamoDbCircuitStore } from '../../shared/renewal/circuit.dynamodb.ts';
import { createMemoryCircuitStore } from '../../shared/renewal/circuit.memory.ts';
import { createDynamoDbRenewalStore } from '../../shared/renewal/store.dynamodb.ts';
import { createMemoryRenewalStore } from '../../shared/renewal/store.memory.ts';
import { createSecretStore } from '../../shared/runtime/secrets.ts';
import { noon } from '../support/builders.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startTables } from '../support/tables.ts';
import { describeAccountStoreContract } from './account-store.ts';
import { describeCertificateStoreContract } from './certificate-store.ts';
import { describeCircuitStoreContract } from './circuit-store.ts';
import { describeKeyVaultContract } from './key-vault.ts';
import { describeRenewalStoreContract } from './renewal-store.ts';

const region = 'eu-west-1';
let tables: Awaited<ReturnType<typeof startTables>>;
let secretsManager: Awaited<ReturnType<typeof startSecretsManager>>;
let client: SecretsManagerClient;

beforeAll(async () => {
  tables = await startTables();
  secretsManager = await startSecretsManager({ region });
  client = new SecretsManagerClient({
    region,
    endpoint: secretsManager.endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(async () => {
  client.destroy();
  await Promise.all([tables.stop(), secretsManager.stop()]);
});

describeCertificateStoreContract('memory', async () => createMemoryCertificateStore());
describeCertificateStoreContract('DynamoDB', async () =>
  createDynamoDbCertificateStore(tables.client, await tables.createTable('CertificatesTable')),
);
describeRenewalStoreContract('memory', async () => createMemoryRenewalStore());
describeRenewalStoreContract('DynamoDB', async () =>
  createDynamoDbRenewalStore(tables.client, await tables.createTable('RenewalsTable')),
);
describeCircuitStoreContract('memory', async () => createMemoryCircuitStore());
describeCircuitStoreContract('DynamoDB', async () => {
  const table = await tables.createTable('RateLimitsTable');
  return createDynamoDbCircuitStore(tables.client, table, createFakeClock(noon));
});
describeKeyVaultContract('memory', async () => createMemoryKeyVault());
describeKeyVaultContract('Secrets Manager', async () =>
  createSecretsManagerKeyVault(createSecretStore(client), randomUUID()),
);
describeAccountStoreContract('memory', async () => createMemoryAccountStore());
describeAccountStoreContract('Secrets Manager', async () =>
  createSecretsManagerAccountStore(createSecretStore(client), randomUUID()),
);
